"""``why``: the race that decides a failure, its cause, and what the guest sees of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option
from harness.cli.target import load

if TYPE_CHECKING:
    from harness.engine.schedule import Schedule
    from harness.search.explanation import Explanation, Moment
    from harness.search.why.explain import Inquiry
    from harness.spec import RunSpec

__all__ = ["command", "lines_of"]


@click.command("why", epilog=EPILOG)
@click.argument("target", metavar="LOG|SCHEDULE")
@click.option("--no-shrink", is_flag=True, help="Explain the schedule as it is.")
@json_option
def command(target: str, no_shrink: bool, as_json: bool) -> int:
    """Explain a failure: which two steps decide, what is the cause, what does the guest see.

    The schedule is shrunk first. What is found out is kept in a folder of its own; an explanation
    that is interrupted leaves there what was known by then.
    """
    from harness.campaign.crash import naming_variant
    from harness.origin import changed
    from harness.spec import RunSpec
    from harness.verdict import EXIT_CODES, VIOLATED

    wanted = load(target).schedule
    spec = RunSpec.from_schedule(wanted)
    for what in changed(wanted.origin, spec.origin()):
        click.echo(f"note: {what} since this was recorded", err=True)
    known = Known(spec, wanted)
    with naming_variant(spec):
        try:
            for _ in known.find_out(shrinking=not no_shrink):
                continue
        except KeyboardInterrupt:
            known.keep()
            if known.path is not None:
                from harness.places import shown

                click.echo(f"what was known by then: {shown(known.path)}", err=True)
            raise
    known.keep()
    known.report(as_json=as_json)
    return EXIT_CODES[VIOLATED]


class Known:
    """What is known so far of a failure, and where it is kept."""

    def __init__(self, spec: "RunSpec", schedule: "Schedule") -> None:
        self.spec = spec
        self.schedule = schedule
        self.explanation: Explanation | None = None
        self.path: Path | None = None

    def find_out(self, *, shrinking: bool) -> "Iterator[Explanation]":
        """Find out one thing after the other.

        Raises:
            UsageError: the schedule breaks no rule, or a variant cannot be had.

        """
        from harness.errors import UsageError
        from harness.search.case import Case
        from harness.search.why.explain import NOTHING, Inquiry

        inquiry = Inquiry.of(Case.of(self.spec), self.schedule.choices)
        if inquiry is None:
            raise UsageError(NOTHING)
        self.explanation = inquiry.explanation
        if shrinking:
            inquiry = self.shrunk(inquiry) or inquiry
        for self.explanation in inquiry.run():
            yield self.explanation

    def shrunk(self, inquiry: "Inquiry") -> "Inquiry | None":
        """Go on with the shrunk failure, and what shrinking found out; None if that cannot be."""
        return None

    def keep(self) -> None:
        """Write down what is known, in a folder of its own.

        Raises:
            WriteError: it cannot be written.

        """
        if self.explanation is None:
            return
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
        assert self.explanation is not None
        return self.spec.schedule_of(self.explanation.failing)

    def summary(self) -> dict[str, Any]:
        """Return all that is known as the summary object of --json."""
        explanation = self.explanation
        assert explanation is not None
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
        assert explanation is not None
        if as_json:
            print_json(self.summary())
            return
        for line in lines_of(explanation, self.spec.variant):
            click.echo(line)
        text = str(self.failing())
        if len(text) > LINE_MAX and self.path is not None:
            text = shown(self.path.with_name("failing.schedule"))
        if self.path is not None:
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
    number = f" (step {moment.step})" if moment.step else ""
    return f"{moment.op} of {moment.actor}{number}"
