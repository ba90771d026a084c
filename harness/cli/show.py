"""What ``run``, ``replay`` and ``log show`` print of one execution."""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from harness.cli.output import print_json
from harness.engine.schedule import LINE_MAX, Schedule
from harness.log.reader import Log, parse_log
from harness.log.registry import ViolationLine
from harness.log.select import Selection
from harness.log.source import Source, Tells
from harness.log.views import EVERYTHING, columns, life_lines, life_text, story_marks
from harness.places import shown
from harness.verdict import CLEAN, EXIT_CODES, INCONCLUSIVE, VIOLATED

if TYPE_CHECKING:
    from harness.log.record import Recorded
    from harness.log.story import Mark
    from harness.places import WriteError
    from harness.spec import RunSpec

__all__ = [
    "Taken",
    "plain_summary",
    "print_log",
    "print_trace",
    "report_execution",
    "summary_of",
    "take",
]


def summary_of(log: Log, path: Path | None) -> dict[str, Any]:
    """Return the summary line of a log; it has no path if it could not be written."""
    place = None if path is None else shown(path)
    header, footer = log.header, log.footer
    return {
        "type": "summary",
        "verdict": footer.verdict if footer else INCONCLUSIVE,
        "violations": [
            {
                "type": record.violation.type,
                "rule": record.violation.rule,
                "alarm": record.violation.alarm,
                "text": record.text,
                "scenario": header.scenario,
                "variant": header.variant,
                "schedule": header.schedule,
                "steps": footer.steps if footer else meta.step,
                "log": place,
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
        "log": place,
    }


def print_log(log: Log, *, how: str, keep: Selection = EVERYTHING) -> None:
    """Print a log as ``how`` says: "life", "columns" or "json" (the life, as JSON lines).

    Only what ``keep`` chooses is printed.
    """
    marks = story_marks(log)
    if how == "json":
        print_json_lines(log, marks, keep)
        return
    header, setting = log.header, log.header.setting
    seed = "" if header.seed is None else f", random seed {header.seed}"
    click.echo(
        f"{header.scenario}, variant {header.variant} (era {header.era}){seed}: "
        f"pcpus {setting.pcpus}, vcpus {setting.vcpus}, List Registers {setting.lrs}"
        + "".join(f", {knob}" for knob in header.knobs)
    )
    if how == "life":
        click.echo("(each line: time in ns, step, task, what happened)")
    for line in (columns if how == "columns" else life_text)(log, marks, keep):
        click.echo(line)
    if not keep.is_all:
        return
    told = {
        story: [m.seq for m in marks.values() if m.story == story]
        for story in dict.fromkeys(m.story for m in marks.values())
    }
    for story, lines in told.items():
        click.echo(f"\nThe document's {story} list: log lines {', '.join(map(str, lines))}.")


def print_json_lines(
    source: Tells, marks: "Mapping[int, Mark]", keep: Selection = EVERYTHING
) -> None:
    """Print the life of each interrupt as JSON lines, those of a story with its ``marks``.

    The fields have the names that they have in the log. What is the host's own has ``intid``, what
    is a VCPU's ``vintid``.
    """
    for line in life_lines(source, keep):
        meta = line.entry.meta
        mark = marks.get(meta.seq)
        print_json(
            {
                "type": "life",
                "seq": meta.seq,
                "t": meta.t,
                "step": meta.step,
                "task": meta.task,
                "event": meta.event,
                "pcpu": meta.pcpu,
                "vcpu": line.vcpu if line.vcpu >= 0 else None,
                "intid": meta.intid if line.vcpu >= 0 else line.intid,
                "vintid": line.intid if line.vcpu >= 0 else None,
                "life": line.life,
                "life_id": line.id,
                "message_id": line.message or None,
                "text": line.text,
                "story": mark.label if mark else None,
            }
        )


def print_trace(source: Source, *, how: str, keep: Selection) -> None:
    """Print the facts in a kernel's trace, as :func:`print_log` does those of a log."""
    if how == "json":
        print_json_lines(source, {}, keep)
        print_json(plain_summary(source))
        return
    if how == "life":
        click.echo(f"{source.name}: kernel trace")
        click.echo("(each line: time in ns, line, what happened)")
        # To be told by interrupt, it is needed more than once.
        source = source._replace(entries=list(source.entries))
    for line in (columns if how == "columns" else life_text)(source, None, keep):
        click.echo(line)


def plain_summary(source: Source) -> dict[str, Any]:
    """Return the summary of a command that judges nothing: the verdict is the log's own."""
    footer = None if source.log is None else source.log.footer
    return {
        "type": "summary",
        "verdict": footer.verdict if footer else INCONCLUSIVE,
        "violations": [],
        "source": source.kind,
        "log": shown(Path(source.name)),
    }


class Taken(NamedTuple):
    """An execution just recorded. ``data`` is its log, ``error`` why that is in no file."""

    recorded: "Recorded"
    data: bytes
    error: "WriteError | None"

    @property
    def path(self) -> Path | None:
        """Where the log is, if it is in a file."""
        return self.recorded.path if self.error is None else None

    @property
    def log(self) -> Log:
        """What was recorded, whatever the project's chain made of it in the file."""
        return parse_log(self.recorded.plain or self.data, self.recorded.path)


def take(
    spec: "RunSpec",
    schedule: Schedule,
    place: Callable[[], Path],
    *,
    engine: str,
    seed: int | None,
    exact: bool = False,
) -> Taken:
    """Record an execution at the path that ``place`` makes, or in memory if that cannot be.

    Args:
        spec: what is run.
        schedule: the choices.
        place: makes the path, and whatever folder it needs.
        engine: "trio" or "direct".
        seed: the random seed that made the schedule, for the log; None if none did.
        exact: whether the path is the user's own, to be taken as it is.

    Raises:
        UsageError: a variant of the user's raised something.
    """
    from harness.campaign.crash import naming_variant
    from harness.guard.once import inspect_once
    from harness.log.record import record, remember
    from harness.places import WriteError

    with naming_variant(spec):
        inspect_once(spec, schedule, engine)
        try:
            recorded = record(spec, schedule, place(), engine=engine, seed=seed, exact=exact)
        except WriteError as error:
            return Taken(*remember(spec, schedule, Path(), engine=engine, seed=seed), error)
    return Taken(recorded, recorded.path.read_bytes(), None)


def report_execution(taken: Taken, schedule: Schedule, *, as_json: bool) -> int:
    """Print an execution just recorded, its verdict and its reproducer; return the exit code.

    One that broke a rule is told as a story, any other as the life of each interrupt.

    Raises:
        WriteError: after all that, if the log could not be written.
    """
    path = taken.path
    log = taken.log
    if path is not None:
        click.echo(f"log: {shown(path)}", err=True)
    if as_json:
        print_log(log, how="json")
        print_json(summary_of(log, path))
    elif taken.recorded.verdict == VIOLATED:
        print_failure(log, path, schedule)
    else:
        print_log(log, how="life")
        print_verdict(log, path, schedule)
    if taken.error is not None:
        raise taken.error
    return EXIT_CODES[taken.recorded.verdict]


def print_failure(log: Log, path: Path | None, schedule: Schedule) -> None:
    """Print the story of an execution that broke a rule; the reproducer comes last."""
    from harness.report.console import make_console
    from harness.report.known import finding_of
    from harness.report.terminal import Report, show_failure

    report = Report(place=path, replay=reproducer(schedule, path))
    show_failure(make_console(), log, finding=finding_of(log), report=report)


def reproducer(schedule: Schedule, path: Path | None) -> str:
    """Return what ``replay`` takes: the schedule, or the log where that is too long for a line."""
    text = str(schedule)
    return text if path is None or len(text) <= LINE_MAX else shown(path)


def print_verdict(log: Log, path: Path | None, schedule: Schedule) -> None:
    """Say how the execution ended; the reproducer comes last."""
    footer = log.footer
    assert footer is not None
    click.echo("")
    if footer.verdict == CLEAN:
        click.echo(f"clean: no rule broken in this one execution ({footer.steps} steps)")
    else:
        click.echo(f"inconclusive: the bound on {footer.bound!r} was reached")
    click.echo(f"reproduce: vgic-race replay {shlex.quote(reproducer(schedule, path))}")
