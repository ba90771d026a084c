"""``why``: the race that decides a failure, its cause, and what the guest sees of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option
from harness.cli.target import TARGET_HELP, load

if TYPE_CHECKING:
    from harness.engine.schedule import Schedule
    from harness.search.explanation import Explanation
    from harness.spec import RunSpec

__all__ = ["command"]


@click.command(
    "why",
    epilog=EPILOG,
    help=f"""Explain a failure: which two steps decide, what is the cause, what does the guest see.

SCHEDULE is {TARGET_HELP}.

It is shrunk first. What is found out is kept in a folder of its own under logs/ (see
VGIC_RACE_LOGS), of which 'report' makes a page; Ctrl-C keeps what is known by then. Exit code 4: it
cannot be run again as it was recorded.
""",
)
@click.argument("schedule")
@click.option("--no-shrink", is_flag=True, help="Explain the schedule as it is.")
@json_option
def command(schedule: str, no_shrink: bool, as_json: bool) -> int:
    """Explain a failure, keep that, and print it."""
    from harness.campaign.crash import naming_variant
    from harness.cli.shrink import DivergedError, failure_of
    from harness.origin import changed
    from harness.places import shown
    from harness.spec import RunSpec
    from harness.verdict import EXIT_CODES, EXIT_DIVERGED, VIOLATED

    target = load(schedule)
    rules = None if target.header is None else frozenset(target.header.rules)
    spec = RunSpec.from_schedule(target.schedule, rules)
    for what in changed(target.schedule.origin, spec.origin()):
        click.echo(f"note: {what} since this was recorded", err=True)
    with naming_variant(spec):
        try:
            failure_of(spec, target)
        except DivergedError as error:
            click.echo(f"error: {error}", err=True)
            return EXIT_DIVERGED
        known = Known(spec, target.schedule)
        try:
            known.find_out(shrinking=not no_shrink)
        except KeyboardInterrupt:
            known.keep()
            click.echo(f"what was known by then: {shown(known.path)}", err=True)
            raise
        known.keep()
    known.report(as_json=as_json)
    return EXIT_CODES[VIOLATED]


class Known:
    """What is known so far of a failure, and where it is kept.

    Raises:
        UsageError: there is no failure.

    """

    def __init__(self, spec: "RunSpec", schedule: "Schedule") -> None:
        from harness.errors import UsageError
        from harness.search.case import Case
        from harness.search.why.explain import NOTHING, Inquiry

        self.spec = spec
        inquiry = Inquiry.of(Case.of(spec), schedule.choices)
        if inquiry is None:
            raise UsageError(NOTHING)
        self.inquiry = inquiry
        self.path = self.log = Path()
        self.data = b""

    @property
    def explanation(self) -> "Explanation":
        """What is known."""
        return self.inquiry.explanation

    def find_out(self, *, shrinking: bool) -> None:
        """Find out one thing after the other.

        Raises:
            UsageError: the variant or its era cannot be had.
            KeyboardInterrupt: a Ctrl-C; what was found out before it is known.

        """
        if shrinking:
            self.shrink()
        for _ in self.inquiry.run():
            continue

    def shrink(self) -> None:
        """Go on with the shortest story of the failure.

        Raises:
            UsageError: the variant cannot be had.
            KeyboardInterrupt: a Ctrl-C; the story is the shortest so far then.

        """
        from harness.campaign.interrupt import Interrupts
        from harness.search.case import Case
        from harness.search.hunt import Budget
        from harness.search.shrink import BUDGET_STEPS, shrink
        from harness.search.why.explain import Inquiry
        from harness.spec import RunSpec

        with Interrupts() as interrupts:
            budget = Budget(BUDGET_STEPS, stop=lambda: interrupts.seen)
            shrunk = shrink(self.spec, self.failing(), self.inquiry.violation, budget)
        rules = None if self.spec.rules is None else frozenset(self.spec.rules)
        spec = RunSpec.from_schedule(shrunk.schedule, rules)
        preemptive = shrunk.after.preemptive
        fewer = "" if shrunk.minimality is None else shrunk.minimality.text
        known = self.inquiry.know(
            base=shrunk.base, preemptive=preemptive, proved=not preemptive, fewer=fewer
        )
        inquiry = Inquiry.of(Case.of(spec), shrunk.schedule.choices, known)
        if inquiry is not None:
            self.spec, self.inquiry = spec, inquiry
        if interrupts.seen:
            raise KeyboardInterrupt

    def keep(self) -> None:
        """Write down what is known, in a folder of its own: the failure, its log, and why.

        Raises:
            WriteError: it cannot be written.

        """
        import msgspec

        from harness.log.record import remember
        from harness.places import default_log_root, new_folder, slug, write_whole
        from harness.report.explained import EXPLANATION, FAILING

        name = f"why-{slug(Path(self.spec.scenario).stem)}-{slug(self.spec.variant)}"
        folder = new_folder(default_log_root(), name)
        failing = self.failing()
        write_whole(folder / "failing.schedule", f"{failing}\n".encode())
        self.log = folder / FAILING
        _, self.data = remember(self.spec, failing, self.log, engine="direct", seed=None)
        write_whole(self.log, self.data)
        write_whole(folder / EXPLANATION, msgspec.json.encode(self.explanation) + b"\n")
        self.path = folder / "why.json"
        text = msgspec.json.format(msgspec.json.encode(self.summary()), indent=2)
        write_whole(self.path, text + b"\n")

    def failing(self) -> "Schedule":
        """Return the schedule of the execution that is told of."""
        return self.spec.schedule_of(self.explanation.failing)

    def summary(self) -> dict[str, Any]:
        """Return all that is known as the summary object of --json."""
        from harness.places import shown

        explanation = self.explanation
        violation = explanation.violation
        passing = explanation.passing
        return {
            "type": "summary",
            "verdict": "violated",
            "violations": [
                {
                    "type": violation.type,
                    "rule": violation.rule,
                    "alarm": violation.alarm,
                    "text": violation.text,
                    "scenario": self.spec.scenario,
                    "variant": self.spec.variant,
                    "schedule": str(self.failing()),
                    "steps": violation.step,
                    "log": shown(self.log),
                }
            ],
            "scenario": self.spec.scenario,
            "variant": self.spec.variant,
            "schedule": str(self.failing()),
            "passing": str(self.spec.schedule_of(passing)) if passing else None,
            "calm": explanation.calm,
            "preemptive": explanation.preemptive,
            "proved": explanation.proved,
            "fewer": explanation.fewer,
            "windows": explanation.windows,
            "pairs": explanation.pairs,
            "shares": explanation.shares,
            "inevitable": explanation.inevitable,
            "cause": explanation.cause,
            "symptom": explanation.symptom,
            "base": explanation.base,
        }

    def report(self, *, as_json: bool) -> None:
        """Print what is known: the story, and what decides it."""
        from harness.cli.output import print_json
        from harness.engine.schedule import LINE_MAX
        from harness.log.reader import parse_log
        from harness.places import shown
        from harness.report.console import make_console
        from harness.report.known import finding_of
        from harness.report.terminal import Report, show_failure

        if as_json:
            print_json(self.summary())
            return
        log = parse_log(self.data, self.log)
        text = str(self.failing())
        if len(text) > LINE_MAX:
            text = shown(self.path.with_name("failing.schedule"))
        click.echo(f"written to {shown(self.path.parent)}", err=True)
        report = Report(place=self.log, replay=text, rules=self.spec.rules)
        show_failure(make_console(), log, self.explanation, finding_of(log), report)
