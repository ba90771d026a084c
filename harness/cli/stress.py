"""``vgic-race stress``: many schedules of many scenarios and variants."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from harness.campaign.events import shown as shown_events
from harness.campaign.evidence import Evidence
from harness.campaign.interrupt import Interrupts
from harness.campaign.journal import Journal
from harness.campaign.kept import PASSES, Failed, Store, default_store
from harness.campaign.plan import Plan
from harness.campaign.record import Past
from harness.campaign.runner import run_campaign
from harness.campaign.summary import Campaign
from harness.cli.closing import Closed, close, complain, print_closed
from harness.cli.main import TRACEBACK_ENV, silence
from harness.cli.options import EPILOG
from harness.cli.output import Progress, print_json
from harness.cli.stress_again import cut_off, last_failed, resumed
from harness.cli.stress_options import stress_options
from harness.cli.stress_plan import arguments_of, given_first, make_plan, parameters
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
    finding nothing gives. What failed before is kept in the project and run first. HUP and TERM end
    it as Ctrl-C does, with 128 and their number.
    """
    if verbose + quiet + options["as_json"] > 1:
        raise UsageError("--verbose, --quiet and --json exclude each other: give one of them")
    given = click.get_current_context().find_root().obj
    began = given if isinstance(given, float) else time.monotonic()
    given_first(options)
    store = None if options["no_kept"] else default_store()
    past: Past | None = None
    if options["resume"] is not None:
        plan, seconds, past = resumed(began=began, **options)
    elif options["last_failed"]:
        plan, seconds = last_failed(store, began=began, **options)
    else:
        plan, seconds = make_plan(began=began, **options)
    project_chain()  # what is wrong with it is said now, not when there is something to write
    stress = Stress(plan, seconds, options, store, past, silent=quiet or log_json)
    with shown_events(as_json=log_json, verbose=verbose):
        closed = stress.run()
    return stress.end(closed, verbose=verbose, quiet=quiet)


class Stress:
    """One run of the command.

    Args:
        plan: what is to be run.
        seconds: the wall time that was given for it, if it was.
        options: of the command.
        store: where failures are kept; None: nowhere.
        past: the campaign that goes on, if one does.
        silent: whether nothing is said on stderr while it runs.
    """

    def __init__(
        self,
        plan: Plan,
        seconds: float | None,
        options: dict[str, Any],
        store: Store | None,
        past: Past | None,
        *,
        silent: bool,
    ) -> None:
        self.plan = plan
        self.seconds = seconds
        self.options = options
        self.store = store
        self.past = past
        self.silent = silent
        self.interrupts = Interrupts()
        self.trouble: OSError | None = None
        """Why nothing more can be printed."""

    def run(self) -> Closed:
        """Run the campaign to its end, and leave on disk what it came to."""
        root = default_log_root()
        self.say(parameters(self.plan, self.seconds))
        self.say(cut_off(root))
        evidence = Evidence(root, None if self.past is None else self.past.folder)
        kept = [
            (entry, failed)
            for entry, spec in enumerate(self.plan.specs)
            for failed in (() if self.store is None or self.past else self.store.of(spec))
        ]
        with self.interrupts:
            record = evidence.begin(self.plan, self.seconds)
            journal = Journal(self.plan, record, self.tell, self.store)
            with Progress(self.plan.schedules, self.seconds, quiet=self.silent) as progress:
                campaign = run_campaign(
                    self.plan, self.interrupts, progress, journal,
                    None if self.past is None else self.past.results,
                    [(entry, failed.id, failed.schedules) for entry, failed in kept],
                )  # fmt: skip
            self.note_kept(campaign, [failed for _, failed in kept])
            closed = close(
                campaign, evidence, lambda: self.interrupts.seen,
                shrinking=not self.options["no_shrink"], arguments=arguments_of(self.plan),
            )  # fmt: skip
            self.interrupts.reporting()
            self.keep(closed)
        return closed

    def say(self, text: str) -> None:
        """Say something on stderr, unless nothing is to be said or there is nothing."""
        if text and not self.silent:
            complain(text)

    def note_kept(self, campaign: Campaign, kept: list[Failed]) -> None:
        """Note how the kept failures went, and say it."""
        by_id = {failed.id: failed for failed in kept}
        for again in campaign.again:
            failed = by_id[again.id]
            assert self.store is not None
            dropped = self.store.note(failed, violated=again.finding is not None)
            how = f"passes now ({failed.passed + 1} of {PASSES}, then it is dropped)"
            if again.finding is not None:
                how = "fails still"
            elif dropped:
                how = f"is dropped: it has passed {PASSES} times"
            what = f"{failed.rule} in {failed.scenario} {failed.variant}"
            self.say(f"  kept failure {again.id} ({what}) {how}")

    def keep(self, closed: Closed) -> None:
        """Keep how short failures can be made; those themselves are kept already."""
        if self.store is None:
            return
        for failure in closed.failures:
            if failure.shortest is not None:
                shortest = failure.shortest.shrunk.schedule
                self.store.keep(failure.tally.spec, failure.finding, shortest)
        if self.store.trouble:
            self.say(f"note: failures are not kept: {self.store.trouble}")

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
        self.tell_ci(closed)
        code = conclude(closed.campaign, closed.evidence, self.interrupts)
        if self.trouble is not None:
            silence(sys.stdout)
            complain(f"error: stdout: {self.trouble.strerror or 'cannot be written'}")
            return EXIT_CODES[VIOLATED] if closed.campaign.verdict == VIOLATED else EXIT_USAGE
        return code

    def tell_ci(self, closed: Closed) -> None:
        """Write what CI reads: JUnit XML, annotations, a summary of the step."""
        from harness.report.github import is_github

        junit = self.options["junit"]
        evidence = closed.evidence
        if junit is not None:
            from harness.report.junit import write_junit

            try:
                write_junit(Path(junit), closed.campaign, closed.failures)
            except UsageError as error:
                evidence.error = evidence.error or str(error)
        if is_github(self.options["ci"]):
            from harness.report.campaign_text import closing
            from harness.report.github import annotations, append_summary

            for line in annotations(closed.campaign, closed.failures):
                complain(line)
            wrong = append_summary(closed.campaign, closed.failures, closing(closed.campaign))
            evidence.error = evidence.error or wrong


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
