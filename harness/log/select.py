"""Chooses lines of a log: by interrupt, actor, CPU, VCPU, kind of event, steps and time."""

import re

import msgspec

from harness.errors import UsageError, unknown_name
from harness.log.registry import REGISTRY
from harness.log.source import Told

__all__ = ["Selection", "parse_range", "parse_selection"]

Range = tuple[int | None, int | None]
RANGE = re.compile(r"(\d*)(:?)(\d*)")
EVERYTHING: Range = (None, None)


class Selection(msgspec.Struct, frozen=True):
    """What is asked for; what is None or empty does not choose.

    ``irq`` is a vINTID or a physical INTID. ``tasks`` are actors by the names that schedules use;
    of a name without its number, such as "v", all. Ranges include both ends.
    """

    irq: int | None = None
    tasks: frozenset[str] = frozenset()
    pcpu: int | None = None
    vcpu: int | None = None
    events: frozenset[str] = frozenset()
    steps: Range = EVERYTHING
    time: Range = EVERYTHING

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()

    def keeps(self, line: Told) -> bool:
        """Tell whether a line is asked for."""
        meta = line.entry.meta
        if not (within(meta.step, self.steps) and within(meta.t, self.time)):
            return False
        if self.events and meta.event not in self.events:
            return False
        if self.tasks and meta.task not in self.tasks and stem(meta.task) not in self.tasks:
            return False
        if self.pcpu is not None and self.pcpu != meta.pcpu:
            return False
        whose = -1 if line.life is None else line.life.vcpu
        if self.vcpu is not None and self.vcpu not in (meta.vcpu, whose):
            return False
        if self.irq is None:
            return True
        named = self.irq in (meta.intid, meta.vintid)
        return named or (line.is_about and line.life is not None and line.life.intid == self.irq)


def within(value: int, limits: Range) -> bool:
    """Tell whether a number is in a range."""
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)


def stem(task: str) -> str:
    """Return a task's name without the number at its end."""
    return task.rstrip("0123456789")


def parse_range(text: str | None, what: str) -> Range:
    """Read "A:B", "A:", ":B" or "A".

    Raises:
        UsageError: it is none of these, or ends before it begins.

    """
    if text is None:
        return EVERYTHING
    match = RANGE.fullmatch(text)
    if match is None or not (match[1] or match[3]) or len(text) > 40:
        raise UsageError(f"{what} {text[:60]!r}: expected A:B, A:, :B or one number")
    low = int(match[1]) if match[1] else None
    high = int(match[3]) if match[3] else (low if not match[2] else None)
    if low is not None and high is not None and high < low:
        raise UsageError(f"{what} {text!r}: it ends before it begins")
    return low, high


def parse_selection(
    *,
    irq: int | None = None,
    tasks: tuple[str, ...] = (),
    pcpu: int | None = None,
    vcpu: int | None = None,
    events: tuple[str, ...] = (),
    steps: str | None = None,
    time: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Selection:
    """Read what a user chose; names may be divided by commas.

    ``since`` and ``until`` are the ends of ``time``, one by one.

    Raises:
        UsageError: there is no such kind of event, a range is none, or time is given twice.

    """
    kinds = frozenset(words(events))
    for kind in sorted(kinds):
        if kind not in REGISTRY:
            raise unknown_name("event", kind, REGISTRY)
    if time is not None and (since is not None or until is not None):
        raise UsageError("--time and --from, --to exclude each other: give one of them")
    if since is not None and until is not None and until < since:
        raise UsageError(f"--from {since} --to {until}: it ends before it begins")
    return Selection(
        irq=irq,
        tasks=frozenset(words(tasks)),
        pcpu=pcpu,
        vcpu=vcpu,
        events=kinds,
        steps=parse_range(steps, "--steps"),
        time=(since, until) if time is None else parse_range(time, "--time"),
    )


def words(texts: tuple[str, ...]) -> list[str]:
    """Return names that are divided by commas."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]
