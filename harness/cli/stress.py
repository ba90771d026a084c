"""``vgic-race stress``: many schedules of many scenarios and variants."""

import os
import time
from typing import Any

import click
from click.core import ParameterSource

from harness.campaign.events import shown as shown_events
from harness.campaign.evidence import Evidence
from harness.campaign.interrupt import Interrupts
from harness.campaign.journal import Journal
from harness.campaign.plan import Plan
from harness.campaign.runner import run_campaign
from harness.campaign.summary import Campaign
from harness.cli.closing import Closed, close, complain, print_closed
from harness.cli.main import TRACEBACK_ENV, silence
from harness.cli.options import EPILOG
from harness.cli.output import Progress, print_json
from harness.cli.stress_options import stress_options
from harness.cli.stress_plan import arguments_of, make_plan, parameters
from harness.errors import UsageError
from harness.log.chain import project_chain
from harness.places import default_log_root
from harness.verdict import EXIT_CODES, EXIT_INTERNAL, EXIT_USAGE, VIOLATED

__all__ = ["command"]

EXIT_SIGNAL = 128
"""What a shell adds to the number of a signal that ended a command."""


@click.command(epilog=EPILOG)
@stress_options
def command(*, verbose: bool, quiet: bool, log_json: bool, **options: Any) -> int:
    """Run SCENARIOs (all built-in ones by default) under many schedules and check every step.

    Each scenario is run with each variant. An entry ends at its first violation; the last line
    then is the command that reproduces it. A clean campaign proves nothing: it says what confidence
    finding nothing gives.
    """
    if verbose + quiet + options["as_json"] > 1:
        raise UsageError("--verbose, --quiet and --json exclude each other: give one of them")
    given = click.get_current_context().find_root().obj
    began = given if isinstance(given, float) else time.monotonic()
    given_first(options)
    plan, seconds = make_plan(began=began, **options)
    project_chain()  # what is wrong with it is said now, not when there is something to write
    stress = Stress(plan, seconds, options, silent=quiet or log_json)
    if not stress.silent:
        complain(parameters(plan, seconds))
    with shown_events(as_json=log_json, verbose=verbose):
        closed = stress.run()
    return stress.end(closed, verbose=verbose, quiet=quiet)


def given_first(options: dict[str, Any]) -> None:
    """Let what was given on the command line replace the project's defaults that it excludes."""
    ctx = click.get_current_context()
    defaults = ctx.default_map or {}

    def is_given(name: str) -> bool:
        return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE

    for one, other in (("seconds", "schedules"), ("schedules", "seconds")):
        if is_given(one) and not is_given(other):
            options[other] = None
    if options["scenarios"] and not is_given("files"):
        options["files"] = ()
    elif not options["scenarios"] and not is_given("files"):
        options["scenarios"] = tuple(defaults.get("scenarios", ()))


class Stress:
    """One run of the command.

    Args:
        plan: what is to be run.
        seconds: the wall time that was given for it, if it was.
        options: of the command.
        silent: whether nothing is said on stderr while it runs.
    """

    def __init__(
        self, plan: Plan, seconds: float | None, options: dict[str, Any], *, silent: bool
    ) -> None:
        self.plan = plan
        self.seconds = seconds
        self.options = options
        self.silent = silent
        self.interrupts = Interrupts()
        self.trouble: OSError | None = None
        """Why nothing more can be printed."""

    def run(self) -> Closed:
        """Run the campaign to its end, and leave on disk what it came to."""
        evidence = Evidence(default_log_root())
        with self.interrupts:
            journal = Journal(self.plan, evidence.begin(self.plan, self.seconds), self.tell)
            with Progress(self.plan.schedules, self.seconds, quiet=self.silent) as progress:
                campaign = run_campaign(self.plan, self.interrupts, progress, journal)
            closed = close(
                campaign, evidence, lambda: self.interrupts.seen,
                shrinking=not self.options["no_shrink"], arguments=arguments_of(self.plan),
            )  # fmt: skip
            self.interrupts.reporting()
        return closed

    def tell(self, found: dict[str, Any]) -> None:
        """Print a finding at once, for machines; when nobody reads it, come to an end."""
        if not self.options["as_json"] or self.trouble is not None:
            return
        try:
            print_json(found)
        except OSError as error:
            self.trouble = error
            self.interrupts.end()

    def end(self, closed: Closed, *, verbose: bool, quiet: bool) -> int:
        """Print what it came to, and return the exit code.

        Raises:
            BrokenPipeError: nobody reads what is printed.
        """
        if self.trouble is None:
            try:
                print_closed(closed, as_json=self.options["as_json"], verbose=verbose, quiet=quiet)
            except OSError as error:
                self.trouble = error
        if isinstance(self.trouble, BrokenPipeError):
            raise self.trouble
        code = conclude(closed.campaign, closed.evidence, self.interrupts)
        if self.trouble is not None:
            import sys

            silence(sys.stdout)
            complain(f"error: stdout: {self.trouble.strerror or 'cannot be written'}")
            return EXIT_CODES[VIOLATED] if closed.campaign.verdict == VIOLATED else EXIT_USAGE
        return code


def conclude(campaign: Campaign, evidence: Evidence, interrupts: Interrupts) -> int:
    """Say what went wrong on the way, and return the exit code.

    What could not be written is said, and hides no violation: that is printed, with what
    reproduces it.
    """
    crash = campaign.crash
    if crash is not None:
        if os.environ.get(TRACEBACK_ENV):
            complain(crash.trace)
        text = crash.text.replace("\n", " ")
        if crash.usage:
            complain(f"error: {text}")
            return EXIT_USAGE
        complain(f"internal error: {text} (set {TRACEBACK_ENV}=1 to see where)")
        return EXIT_INTERNAL
    if evidence.trouble:
        complain(f"error: {evidence.trouble}")
    if campaign.interrupted:
        complain("interrupted")
        return EXIT_SIGNAL + interrupts.number
    if evidence.trouble and campaign.verdict != VIOLATED:
        return EXIT_USAGE
    return EXIT_CODES[campaign.verdict]
