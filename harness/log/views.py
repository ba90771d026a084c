"""A log as text: in columns, one line per event, and as the life of each interrupt."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from harness.log.lives import Life
from harness.log.reader import Entry, Log
from harness.log.registry import Step, ViolationLine, describe
from harness.log.select import Selection
from harness.log.source import Tells, name_life, told
from harness.log.story import STORIES, Event, Mark, find_story
from model import facts
from model.facts import Fact
from model.identity import VTIMER
from model.timer import ENABLE, PTIMER_PPI, VTIMER_PPI

__all__ = ["EVERYTHING", "LifeLine", "columns", "life_lines", "life_text", "story_marks"]

EVERYTHING = Selection()
WIDTHS = "{:>8}  {:>5}  {:<6} {:>4} {:>4}  {:<20} {}"
NAMES = {VTIMER_PPI: " (virtual timer)", PTIMER_PPI: " (physical timer)"}
HEADINGS = ("time/ns", "step", "task", "pcpu", "vcpu", "event", "what")

LIFE = (
    facts.GuestTimer,
    facts.LineChanged,
    facts.PendingChanged,
    facts.ActiveChanged,
    facts.AckedByHost,
    facts.PriorityDropped,
    facts.IsrBegan,
    facts.IsrEnded,
    facts.DeactivationSent,
    facts.DeactivationArrived,
    facts.LrWritten,
    facts.LrMoved,
    facts.AckedByGuest,
    facts.Completed,
    facts.DeactivatedByGuest,
    facts.GuestWfi,
    facts.Entered,
    facts.Exited,
    facts.TimerRead,
    facts.TimerSaved,
    facts.TimerRestored,
    facts.PhysActiveWritten,
    facts.Armed,
    facts.Cancelled,
    facts.Expired,
    facts.DeviceRaised,
    facts.DeviceServed,
    facts.Injected,
    facts.Queued,
    facts.Unqueued,
    facts.Trapped,
    facts.Emulated,
    facts.RegisterWritten,
    facts.RegisterRead,
    facts.Retargeted,
    facts.Folded,
    facts.Resampled,
    facts.Blocked,
    facts.Woken,
    facts.Placed,
    facts.Ticked,
)
"""The facts that make up the life of an interrupt."""


def story_marks(log: Log) -> dict[int, Mark]:
    """Return the lines that are steps of the document's lists (era ``v4.14`` only)."""
    marks: dict[int, Mark] = {}
    if log.header.era != "v4.14":
        return marks
    events = [
        Event(meta.seq, meta.t, record) for meta, record in log.entries if isinstance(record, Fact)
    ]
    for story in STORIES:
        for mark in find_story(story, events):
            marks.setdefault(mark.seq, mark)
    return marks


def cell(value: int | None) -> str:
    """Return a number for a column, or nothing."""
    return "" if value is None or value < 0 else str(value)


def columns(
    source: Tells, marks: Mapping[int, Mark] | None = None, keep: Selection = EVERYTHING
) -> Iterator[str]:
    """Yield the lines that ``keep`` chooses in columns, annotated with the document's steps."""
    marks = marks or {}
    yield WIDTHS.format(*HEADINGS)
    for line in told(source):
        meta, record = line.entry
        if not keep.keeps(line):
            continue
        what = describe(record)
        if meta.seq in marks:
            what = f"{what}  [{marks[meta.seq].label}]"
        event = "" if isinstance(record, Step) else meta.event
        if isinstance(record, ViolationLine):
            what = f"!! {what}"
        yield WIDTHS.format(
            meta.t, meta.step, meta.task, cell(meta.pcpu), cell(meta.vcpu), event, what
        ).rstrip()


class LifeLine(NamedTuple):
    """An event in the life of an interrupt: ``life`` counts from 1, 0 is before the first.

    ``vcpu`` is -1 for an interrupt that belongs to the host alone; ``intid`` is then physical.
    """

    vcpu: int
    intid: int
    life: int
    entry: Entry
    text: str
    message: str = ""

    @property
    def id(self) -> str:
        """The id of the life."""
        return name_life(Life(self.vcpu, self.intid, self.life))


def life_lines(source: Tells, keep: Selection = EVERYTHING) -> Iterator[LifeLine]:
    """Yield what happens to each interrupt, in order, as far as ``keep`` chooses it.

    What a life is, ``harness.log.lives`` says.
    """
    deadlines: dict[int, tuple[int, Life]] = {}
    for line in told(source):
        # All are heard, chosen or not: each may begin or end a life.
        fact, life = line.entry.record, line.life
        if isinstance(fact, facts.Ticked):
            for vcpu in [v for v, (at, _) in deadlines.items() if at <= fact.now]:
                at, life = deadlines.pop(vcpu)
                if keep.keeps(line._replace(life=life)):
                    text = f"the guest's deadline is reached: {at}"
                    yield LifeLine(*life, line.entry, text)
            continue
        if life is None or not isinstance(fact, LIFE):
            continue
        if isinstance(fact, facts.GuestTimer) and fact.timer == VTIMER:
            deadlines.pop(life.vcpu, None)
            if fact.ctl & ENABLE:
                deadlines[life.vcpu] = (fact.deadline, life)
        if keep.keeps(line):
            yield LifeLine(*life, line.entry, describe(fact), line.message)


def life_text(
    source: Tells, marks: Mapping[int, Mark] | None = None, keep: Selection = EVERYTHING
) -> Iterator[str]:
    """Yield the life of each interrupt as text, grouped by VCPU and INTID."""
    marks = marks or {}
    groups: dict[tuple[int, int], list[LifeLine]] = {}
    for line in life_lines(source, keep):
        groups.setdefault((line.vcpu, line.intid), []).append(line)
    for (vcpu, intid), lines in sorted(groups.items(), key=lambda item: (item[0][0] < 0, item[0])):
        yield ""
        yield heading(vcpu, intid)
        yield from life_group(lines, marks)
    for _, record in source.entries:
        if isinstance(record, ViolationLine):
            yield ""
            yield f"step {record.violation.step}: {describe(record)}"


def heading(vcpu: int, intid: int) -> str:
    """Name an interrupt."""
    if vcpu < 0:
        return f"host: INTID {intid}"
    name = NAMES.get(intid, "")
    return f"VCPU {vcpu}: vINTID {intid}{name}"


def life_group(lines: Iterable[LifeLine], marks: Mapping[int, Mark]) -> Iterator[str]:
    """Yield the lives of one interrupt."""
    shown = -1
    for line in lines:
        meta = line.entry.meta
        if line.life != shown and line.vcpu >= 0:
            yield f"  -- life {line.life} --" if line.life else "  -- before the first --"
            shown = line.life
        note = f"  [{marks[meta.seq].label}]" if meta.seq in marks else ""
        yield f"  {meta.t:>8}  {meta.step:>5}  {meta.task:<6}  {line.text}{note}"
