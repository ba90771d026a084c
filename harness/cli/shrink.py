"""``vgic-race shrink``: the shortest story of a failure, from its schedule or its log."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option, rules_option
from harness.cli.target import TARGET_HELP, Target, load
from harness.errors import UsageError
from harness.intake import STDIN

if TYPE_CHECKING:
    from harness.search.shrunk import Kept, Shrunk
    from harness.spec import RunSpec
    from model.check.violation import Violation

__all__ = ["command", "sizes"]

SECONDS = 60.0
ENDED = {
    "steps": "its budget ended while there was something left to try",
    "seconds": "the time was over while there was something left to try",
    "interrupted": "interrupted: this is the shortest so far",
}


class DivergedError(UsageError):
    """What was given cannot be run again as it was recorded. Exit code 4."""


@click.command(
    "shrink",
    epilog=EPILOG,
    help=f"""Make a failure as short as it can be.

SCHEDULE is {TARGET_HELP}.

What guests and devices do is taken out of the scenario, then switches out of the schedule; shorter
means fewer steps + 4 x switches + 4 x preemptive switches. What is left breaks the same rule, by
the same alarm, about the same kind of subject, and the unmodified era runs it clean. Ctrl-C keeps
the shortest so far.
""",
)
@click.argument("schedule")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=None,
    help="Where the schedule goes, with its log beside it [beside what is given, else logs/].",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=SECONDS, show_default=True,
    help="Wall time after which the shortest so far is taken.",
)  # fmt: skip
@rules_option
@json_option
def command(
    schedule: str, out: Path | None, seconds: float, rules: str | None, as_json: bool
) -> int:
    """Shrink a failure, keep it, and say how short it became."""
    from harness.campaign.crash import naming_variant
    from harness.campaign.interrupt import Interrupts
    from harness.campaign.shortest import SoFar, keep
    from harness.guard.watch import watch
    from harness.places import shown
    from harness.rule_choice import parse_rules
    from harness.search.hunt import Budget
    from harness.search.shrink import BUDGET_STEPS, shrink
    from harness.spec import RunSpec
    from harness.verdict import EXIT_CODES, EXIT_DIVERGED, EXIT_INTERRUPTED, VIOLATED

    watch.deadline = deadline = time.monotonic() + seconds
    target = load(schedule)
    only = None if target.header is None else frozenset(target.header.rules)
    if rules is not None:
        only = parse_rules(rules)
    spec = RunSpec.from_schedule(target.schedule, only)
    with Interrupts() as interrupts, naming_variant(spec):
        try:
            violation = failure_of(spec, target)
        except DivergedError as error:
            click.echo(f"error: {error}", err=True)
            return EXIT_DIVERGED
        place = place_of(spec, schedule, out)
        so_far = SoFar(place, lambda: interrupts.seen)
        click.echo(f"shrinking: {violation.rule}, step {violation.step}", err=True)
        click.echo(f"the shortest so far: {shown(so_far.path)}", err=True)
        budget = Budget(BUDGET_STEPS, deadline, so_far.stop)
        shrunk = shrink(spec, target.schedule, violation, budget, better=so_far.better)
        interrupts.reporting()
        kept = keep(shrunk, place, only)
        so_far.end()
        report(kept, "" if rules is None else f" --rules {rules}", as_json=as_json)
    return EXIT_INTERRUPTED if shrunk.ended == "interrupted" else EXIT_CODES[VIOLATED]


def failure_of(spec: "RunSpec", target: Target) -> "Violation":
    """Run what was given exactly again, and return the first rule that it breaks.

    Raises:
        DivergedError: its choices cannot be made, or it does not break what its log says.
        UsageError: it breaks no rule.

    """
    from harness.engine.direct_engine import DirectEngine, execute
    from harness.origin import changed
    from harness.strategies.replay import Replay

    replay = Replay(target.schedule.choices)
    outcome = execute(spec.build(DirectEngine.task_class), replay)
    first = outcome.violations[0] if outcome.violations else None
    cause = ", ".join(changed(target.schedule.origin, spec.origin()))
    since = f" ({cause} since this was recorded)" if cause else ""
    if replay.divergence is not None:
        where = replay.divergence
        raise DivergedError(
            f"it cannot be run again: choice {where.position} is {where.expected}, found "
            f"{where.found}{since}"
        )
    logged = logged_rule(target)
    if logged and (first is None or first.rule != logged):
        found = "none" if first is None else first.rule
        raise DivergedError(
            f"the log says that rule {logged} is broken, found {found} when it was run again{since}"
        )
    if first is None:
        raise UsageError(f"it breaks no rule, there is nothing to shrink{since}")
    return first


def logged_rule(target: Target) -> str:
    """Return the id of the rule that a log says is broken first; "" for none, and without a log."""
    from harness.log.reader import parse_log
    from harness.log.registry import ViolationLine

    if target.header is None:
        return ""
    log = parse_log(target.data, target.path or Path(STDIN), partial=True)
    for entry in log.entries:
        if isinstance(entry.record, ViolationLine):
            return entry.record.violation.rule
    return ""


def place_of(spec: "RunSpec", given: str, out: Path | None) -> Path:
    """Return where the schedule goes: ``out``, beside the file that was given, or a new folder.

    Raises:
        UsageError: ``out`` is named as the log beside it would be.
        WriteError: the folder cannot be made.

    """
    from harness.engine.compact import is_compact
    from harness.engine.schedule import is_schedule
    from harness.places import default_log_root, new_folder, slug

    if out is not None:
        if out.suffix == ".jsonl":
            raise UsageError(
                f"--out {str(out)!r}: that would be the log's name, expected .schedule"
            )
        return out
    if given == STDIN or is_schedule(given) or is_compact(given):
        name = f"shrink-{slug(Path(spec.scenario).stem)}-{slug(spec.variant)}"
        return new_folder(default_log_root(), name) / "shrunk.schedule"
    path = Path(given)
    stem = path.name.removesuffix(path.suffix) if path.suffix in ENDINGS else path.name
    return path.with_name(f"{stem}.shrunk.schedule")


ENDINGS = (".jsonl", ".schedule", ".partial", ".txt")


def report(kept: "Kept", option: str, *, as_json: bool) -> None:
    """Say how short it became, and how to have it again: with an ``option``, if one was given."""
    from harness.cli.output import print_json
    from harness.places import shown

    if as_json:
        print_json(summary_of(kept))
        return
    shrunk = kept.shrunk
    violation, a, b = shrunk.violation, shrunk.before, shrunk.after
    click.echo(f"{violation.rule}: {violation.text} (step {violation.step})")
    click.echo(f"before: {a.steps} steps, {a.switches} switches, {a.preemptive} preemptive")
    click.echo(f"after:  {b.steps} steps, {b.switches} switches, {b.preemptive} preemptive")
    click.echo(f"left:   {sizes(shrunk)}")
    if shrunk.loop is not None:
        loop = shrunk.loop
        told = shrunk.told
        click.echo(
            f"storm:  steps {loop.first} to {loop.last} come again and again; up to there it is "
            f"{told.steps} steps, {told.switches} switches, {told.preemptive} preemptive"
        )
    if shrunk.minimality is not None:
        click.echo(shrunk.minimality.text)
    if shrunk.base is not None:
        click.echo(f"the unmodified era fails there, too: {shrunk.base.rule}")
    if shrunk.ended:
        click.echo(f"note: {ENDED[shrunk.ended]}", err=True)
    click.echo(f"log: {shown(kept.log)}")
    click.echo(f"reproduce: vgic-race replay{option} {shlex.quote(shown(kept.schedule))}")


def sizes(shrunk: "Shrunk") -> str:
    """Say in a line what the scenario has: CPUs, VCPUs with their programs, stimuli."""
    s = shrunk.scenario
    counts = [
        (s.pcpus, "CPU"), (len(s.vcpu), "VCPU"), (len(s.device), "device"),
        (len(s.forward), "passthrough device"), (s.preemptions, "preemption"), (s.resets, "reset"),
        (s.saves, "save"),
    ]  # fmt: skip
    parts = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts if n]
    programs = " | ".join("; ".join(vcpu.program) for vcpu in s.vcpu)
    return f"{', '.join(parts)}: {programs}"


def summary_of(kept: "Kept") -> dict[str, Any]:
    """Return the summary line of --json."""
    import msgspec

    from harness.places import shown
    from harness.verdict import VIOLATED

    shrunk = kept.shrunk
    violation, minimality = shrunk.violation, shrunk.minimality
    return {
        "type": "summary",
        "verdict": VIOLATED,
        "violations": [
            {
                "type": violation.type,
                "rule": violation.rule,
                "alarm": violation.alarm,
                "text": violation.text,
                "scenario": shrunk.schedule.scenario,
                "variant": shrunk.schedule.variant,
                "schedule": str(shrunk.schedule),
                "steps": shrunk.after.steps,
                "log": shown(kept.log),
            }
        ],
        "schedule_file": shown(kept.schedule),
        "before": msgspec.structs.asdict(shrunk.before),
        "after": msgspec.structs.asdict(shrunk.after),
        "told": msgspec.structs.asdict(shrunk.told),
        "minimality": None
        if minimality is None
        else {**msgspec.structs.asdict(minimality), "proved": minimality.proved},
        "loop": None if shrunk.loop is None else msgspec.structs.asdict(shrunk.loop),
        "base": None if shrunk.base is None else shrunk.base.rule,
        "ended": shrunk.ended,
        "runs": shrunk.runs,
        "steps": shrunk.steps,
    }
