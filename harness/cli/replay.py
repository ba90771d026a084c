"""``replay``: run a recorded schedule exactly again, and say so, or where it went another way."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from harness.cli.options import EPILOG, engine_option, json_option, rules_option
from harness.cli.target import Target, load
from harness.intake import STDIN

if TYPE_CHECKING:
    from harness.cli.show import Taken
    from harness.spec import RunSpec

__all__ = ["command"]

OUTSIDE = (
    "the variant's code or the model changed since, or something outside the execution decides "
    "(hash order, wall time, global state)"
)


class Diverged(NamedTuple):
    """Where a replay went another way: the step, what was expected and found, and the cause."""

    step: int
    expected: str
    found: str
    cause: str


@click.command("replay", epilog=EPILOG)
@click.argument("schedule")
@click.option(
    "--expect", "expected", type=click.Choice(["violated", "clean"]),
    help="A regression test: exit 0 if that is how it ends, else 1.",
)  # fmt: skip
@rules_option
@engine_option
@json_option
def command(
    schedule: str, expected: str | None, rules: str | None, engine: str, as_json: bool
) -> int:
    """Run SCHEDULE again: a schedule, its compact form, a file that holds either, a log, or -.

    A log is compared with the new one, byte by byte. Exit code 4: the choices could not be made
    again or the logs differ; the first divergent step and the likely cause are told. With --expect
    a schedule that does not fit any more is followed as far as it can be, and the verdict counts.
    A log is run with the rules that it was recorded with; with --rules, with these, and not
    compared.
    """
    from harness.cli.expect import report_expected
    from harness.cli.show import report_execution, take
    from harness.places import default_log_root, new_folder, slug
    from harness.rule_choice import parse_rules
    from harness.spec import RunSpec
    from harness.verdict import EXIT_DIVERGED

    target = load(schedule)
    only = None if target.header is None else frozenset(target.header.rules)
    if rules is not None:
        only = parse_rules(rules)
        target = target._replace(path=None)
    wanted = target.schedule
    spec = RunSpec.from_schedule(wanted, only)
    for what in changes(target, spec):
        click.echo(f"note: {what} since this was recorded", err=True)
    if expected is not None:
        return report_expected(spec, target, expected, engine=engine, as_json=as_json)
    name = f"replay-{slug(Path(spec.scenario).stem)}-{slug(spec.variant)}"
    taken = take(
        spec, wanted, lambda: new_folder(default_log_root(), name) / "execution.jsonl",
        engine=engine, seed=target.header.seed if target.header else None,
    )  # fmt: skip
    diverged = compare(target, taken, spec)
    if diverged is not None:
        report_divergence(diverged, taken, as_json=as_json)
        if taken.error is not None:
            raise taken.error
        return EXIT_DIVERGED
    if target.header is None:
        click.echo("replayed: every choice could be made again", err=True)
    elif is_complete(target):
        how = "" if target.data == taken.data else " but for its line ends"
        click.echo(f"identical: the new log is the old one, byte by byte{how}", err=True)
        if target.path is not None:
            taken = without_copy(taken, target.path)
    else:
        click.echo("identical as far as the old log goes; it ends early", err=True)
    return report_execution(taken, wanted, as_json=as_json)


def without_copy(taken: "Taken", path: Path) -> "Taken":
    """Remove the new log: the same bytes are at ``path`` already."""
    if taken.path is not None:
        taken.path.unlink()
        with contextlib.suppress(OSError):
            taken.path.parent.rmdir()
    recorded = type(taken.recorded)(taken.recorded.outcome, None, path, taken.recorded.plain)
    return taken._replace(recorded=recorded, error=None)


def changes(target: Target, spec: "RunSpec") -> list[str]:
    """Say what is other than it was when the schedule was recorded, as far as that is known."""
    from harness.origin import changed

    return changed(target.schedule.origin, spec.origin())


def is_complete(target: Target) -> bool:
    """Tell whether a log has its footer."""
    from harness.log.reader import parse_log

    return parse_log(target.data, target.path or Path(STDIN), partial=True).footer is not None


def compare(target: Target, taken: "Taken", spec: "RunSpec") -> Diverged | None:
    """Find out whether the new execution is the recorded one."""
    known = "; ".join(changes(target, spec))
    where = None
    if target.header is not None:
        where = compare_logs(target, taken, known)
    divergence = taken.recorded.divergence
    if divergence is None:
        return where
    from harness.engine.choice import StepOf

    choices = target.schedule.choices[: divergence.position]
    step = max(1, sum(isinstance(choice, StepOf) for choice in choices))
    cause = known or (
        where.cause if where is not None else likely_cause(target, divergence.expected)
    )
    return Diverged(
        step, f"choice {divergence.position}, {divergence.expected}", divergence.found, cause
    )


def likely_cause(target: Target, expected: str) -> str:
    """Guess why a choice could not be made."""
    if "no such task" in expected:
        return "the scenario, its sizes or its devices are not the recorded ones"
    kind = "the log" if target.header is not None else "the schedule"
    return (
        f"scenario {target.schedule.scenario!r} or variant {target.schedule.variant!r} is not what "
        f"{kind} was recorded with, or another version recorded it; else {OUTSIDE}"
    )


def compare_logs(target: Target, taken: "Taken", known: str) -> Diverged | None:
    """Compare two logs byte by byte, as far as the old one goes if it ends early.

    Line ends that an editor or git made CRLF do not count. ``known`` is what is known to be other
    than it was.
    """
    before, after = target.data.replace(b"\r\n", b"\n"), taken.data
    if before == after:
        return None
    if not is_complete(target):
        before = before[: before.rfind(b"\n") + 1]
        if after.startswith(before):
            return None
    causes = [known] if known else []
    a, b = target.header, taken.log.header
    assert a is not None
    if a.version != b.version:
        causes.append(f"it was recorded by vgic-race {a.version}, this is {b.version}")
    if a.scenario_digest != b.scenario_digest and not known:
        causes.append(f"scenario {a.scenario!r} has changed since")
    if (a.era, a.tasks) != (b.era, b.tasks) and not known:
        causes.append(f"variant {a.variant!r} or the scenario's tasks have changed since")
    return first_difference(before, after, "; ".join(causes) or OUTSIDE)


def first_difference(before: bytes, after: bytes, cause: str) -> Diverged:
    """Describe the first line in which two logs differ, below the header if there is one."""
    import msgspec

    old, new = before.split(b"\n"), after.split(b"\n")
    count = max(len(old), len(new))
    old += [b""] * (count - len(old))
    new += [b""] * (count - len(new))
    differing = [i for i in range(count) if old[i] != new[i]]
    number = differing[1] if differing[0] == 0 and len(differing) > 1 else differing[0]
    step = 0
    for line in (old[number], new[number]):
        with contextlib.suppress(msgspec.DecodeError):
            value = msgspec.json.decode(line)
            step = step or (value.get("step", 0) if isinstance(value, dict) else 0)
    return Diverged(
        step if isinstance(step, int) else 0,
        f"log line {number + 1}, {old[number].decode(errors='replace') or '(none)'}",
        new[number].decode(errors="replace") or "(none)",
        cause,
    )


def report_divergence(diverged: Diverged, taken: "Taken", *, as_json: bool) -> None:
    """Say where the replay went another way."""
    from harness.cli.output import print_json
    from harness.cli.show import summary_of
    from harness.places import shown

    if as_json:
        summary = summary_of(taken.log, taken.path)
        summary["verdict"] = "inconclusive"
        print_json({**summary, "diverged": diverged._asdict()})
        return
    click.echo(f"diverged at step {diverged.step}")
    click.echo(f"  expected: {diverged.expected}")
    click.echo(f"  found:    {diverged.found}")
    click.echo(f"  likely cause: {diverged.cause}")
    if taken.path is not None:
        click.echo(f"log: {shown(taken.path)}", err=True)
