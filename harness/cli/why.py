"""``why``: the race that decides a failure, its cause, and what the guest sees of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option
from harness.cli.target import TARGET_HELP, load

if TYPE_CHECKING:
    from harness.engine.schedule import Schedule
    from harness.search.explanation import Explanation, Moment
    from harness.spec import RunSpec

__all__ = ["command", "lines_of", "told"]


@click.command(
    "why",
    epilog=EPILOG,
    help=f"""Explain a failure: which two steps decide, what is the cause, what does the guest see.

SCHEDULE is {TARGET_HELP}.

It is shrunk first. What is found out is kept in a folder of its own under logs/ (see
VGIC_RACE_LOGS); Ctrl-C keeps what is known by then. Exit code 4: it cannot be run again as it was
recorded.
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
        self.path = Path()

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
        """Write down what is known, in a folder of its own.

        Raises:
            WriteError: it cannot be written.

        """
        import msgspec

        from harness.places import default_log_root, new_folder, slug, write_whole

        name = f"why-{slug(Path(self.spec.scenario).stem)}-{slug(self.spec.variant)}"
        folder = new_folder(default_log_root(), name)
        write_whole(folder / "failing.schedule", f"{self.failing()}\n".encode())
        self.path = folder / "why.json"
        text = msgspec.json.format(msgspec.json.encode(self.summary()), indent=2)
        write_whole(self.path, text + b"\n")

    def failing(self) -> "Schedule":
        """Return the schedule of the execution that is told of."""
        return self.spec.schedule_of(self.explanation.failing)

    def summary(self) -> dict[str, Any]:
        """Return all that is known as the summary object of --json."""
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
                    "log": None,
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
        """Print what is known."""
        import shlex

        from harness.cli.output import print_json
        from harness.engine.schedule import LINE_MAX
        from harness.places import shown

        explanation = self.explanation
        if as_json:
            print_json(self.summary())
            return
        for line in lines_of(explanation, self.spec.variant):
            click.echo(line)
        text = str(self.failing())
        if len(text) > LINE_MAX:
            text = shown(self.path.with_name("failing.schedule"))
        click.echo(f"written to {shown(self.path.parent)}", err=True)
        click.echo(f"reproduce: vgic-race replay {shlex.quote(text)}")


def lines_of(explanation: "Explanation", variant: str) -> list[str]:
    """Say what an explanation says, a line each, in the order in which one wants to know it."""
    violation = explanation.violation
    lines = []
    if explanation.base is not None:
        base = explanation.base
        lines.append(f"the unmodified era fails here too: {base.rule}: {base.text}")
    lines.append(f"{violation.rule}: {violation.text} (step {violation.step})")
    if explanation.calm:
        lines.append("it fails in the calm order itself: no race is needed")
    if explanation.fewer:
        lines.append(explanation.fewer)
    for number, pair in enumerate(explanation.pairs):
        what = "the race that decides" if number == 0 else "and it takes"
        lines.append(f"{what}: {told(pair.first)} comes before {told(pair.second)}")
    for window in explanation.windows:
        ends = [f"after {told(window.after)}"] if window.after is not None else []
        ends += [f"before {told(window.before)}"] if window.before is not None else []
        where = " and ".join(ends) or "anywhere"
        lines.append(f"it fails as long as {told(window.what)} comes {where}")
    if explanation.inevitable:
        drawn = explanation.shares[-1].drawn
        lines.append(
            f"from step {explanation.inevitable} on nothing averts it: all {drawn} draws fail"
        )
    if explanation.cause is not None:
        lines.append(
            f"the cause: {variant} does otherwise than its era in {told(explanation.cause)}"
        )
    if explanation.symptom is not None:
        symptom = explanation.symptom
        if symptom.violation is None:
            lines.append(f"no symptom found in {symptom.drawn} schedules that go on from there")
        else:
            lines.append(f"what the guest sees: {symptom.violation.rule}: {symptom.violation.text}")
    return lines


def told(moment: "Moment") -> str:
    """Return a step as a reader wants it."""
    number = f" (step {moment.step}" if moment.step else ""
    if number:
        number += f": {moment.instead} instead)" if moment.instead else ")"
    return f"{moment.op} of {moment.actor}{number}"
