"""What ``run``, ``replay`` and ``log show`` print of one execution."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from harness.engine.schedule import LINE_MAX, Schedule
from harness.log.reader import Log, read_log
from harness.log.registry import Step, ViolationLine, describe
from harness.log.views import columns, life_lines, life_text, story_marks
from harness.verdict import CLEAN, EXIT_CODES, INCONCLUSIVE, VIOLATED

if TYPE_CHECKING:
    from harness.log.record import Recorded
    from harness.log.story import Mark

__all__ = ["emit", "print_log", "report_execution", "shown", "summary_of"]


def emit(value: Mapping[str, Any]) -> None:
    """Print one JSON line on stdout."""
    click.echo(msgspec.json.encode(value).decode())


def shown(path: Path) -> str:
    """Return a path as a reader wants it: relative if it lies below the current folder."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)


def summary_of(log: Log, path: Path) -> dict[str, Any]:
    """Return the summary line of a log."""
    header, footer = log.header, log.footer
    return {
        "type": "summary",
        "verdict": footer.verdict if footer else INCONCLUSIVE,
        "violations": [
            {
                "type": record.type,
                "rule": record.rule,
                "text": record.text,
                "scenario": header.scenario,
                "variant": header.variant,
                "schedule": header.schedule,
                "steps": footer.steps if footer else meta.step,
                "log": shown(path),
            }
            for meta, record in log.entries
            if isinstance(record, ViolationLine)
        ],
        "scenario": header.scenario,
        "variant": header.variant,
        "seed": header.seed,
        "schedule": header.schedule,
        "steps": footer.steps if footer else None,
        "bound": footer.bound if footer else None,
        "complete": footer is not None,
        "log": shown(path),
    }


def print_log(log: Log, *, how: str) -> None:
    """Print a log as "life", "columns" or "json" (of the life: JSON lines)."""
    marks = story_marks(log)
    if how == "json":
        print_json(log, marks)
        return
    header = log.header
    seed = "" if header.seed is None else f", seed {header.seed}"
    click.echo(
        f"{header.scenario}, variant {header.variant}{seed}: pcpus {header.pcpus}, "
        f"vcpus {header.vcpus}, List Registers {header.lrs}"
        + "".join(f", {knob}" for knob in header.knobs)
    )
    for line in (columns if how == "columns" else life_text)(log, marks):
        click.echo(line)
    told = {
        story: [m.seq for m in marks.values() if m.story == story]
        for story in dict.fromkeys(m.story for m in marks.values())
    }
    for story, lines in told.items():
        click.echo(f"\nThe seed document's {story} list: log lines {', '.join(map(str, lines))}.")


def print_json(log: Log, marks: "Mapping[int, Mark]") -> None:
    """Print the life of each interrupt as JSON lines."""
    for line in life_lines(log):
        meta = line.entry.meta
        mark = marks.get(meta.seq)
        emit(
            {
                "type": "life",
                "vcpu": line.vcpu,
                "intid": line.intid,
                "life": line.life,
                "time": meta.t,
                "step": meta.step,
                "task": meta.task,
                "event": meta.event,
                "text": line.text,
                "line": meta.seq,
                "story": mark.label if mark else None,
            }
        )


def report_execution(recorded: "Recorded", schedule: Schedule, *, as_json: bool) -> int:
    """Print an execution just recorded, its verdict and its reproducer; return the exit code."""
    path = recorded.path
    log = read_log(path)
    click.echo(f"log: {shown(path)}", err=True)
    print_log(log, how="json" if as_json else "life")
    if as_json:
        emit(summary_of(log, path))
    else:
        print_verdict(log, path, schedule)
    return EXIT_CODES[recorded.verdict]


def print_verdict(log: Log, path: Path, schedule: Schedule) -> None:
    """Say how the execution ended; the reproducer comes last."""
    footer = log.footer
    assert footer is not None
    click.echo("")
    if footer.verdict == CLEAN:
        click.echo(f"clean: no rule broken in this one execution ({footer.steps} steps)")
    elif footer.verdict == VIOLATED:
        broken = [r for _, r in log.entries if isinstance(r, ViolationLine)]
        for violation in broken:
            click.echo(f"VIOLATED {describe(violation)}")
        last = [(m, r) for m, r in log.entries if not isinstance(r, Step | ViolationLine)][-5:]
        click.echo("the last events:")
        for meta, record in last:
            click.echo(f"  {meta.t:>8}  {meta.step:>5}  {meta.task:<6}  {describe(record)}")
    else:
        click.echo(f"inconclusive: the bound on {footer.bound!r} was reached")
    text = str(schedule)
    what = text if len(text) <= LINE_MAX else shown(path)
    click.echo(f"reproduce: vgic-race replay {shlex.quote(what)}")
