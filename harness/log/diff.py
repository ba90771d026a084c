"""Compares two executions, or traces, by what happened in them: not by numbers of lines or times.

Two lines are the same if the same actor did the same. Where the first that is not the same stands,
what of it there is more or less, and which lives of interrupts took another number of steps.
"""

from collections import Counter
from typing import NamedTuple

from harness.log.latency import LATENCIES, LifeRow, life_rows
from harness.log.reader import Entry
from harness.log.registry import ViolationLine, describe
from harness.log.select import Selection
from harness.log.source import Source, name_life, told

__all__ = ["Difference", "compare"]

EVERYTHING = Selection()


class Difference(NamedTuple):
    """What two logs differ in; a and b are the first and the second.

    ``same`` is how many lines they have in common from the beginning. ``a`` and ``b`` are the lines
    from there on. ``headers`` are fields of the headers that differ, ``verdicts`` and ``broken``
    what the logs say themselves, ``counts`` kinds of lines of which they have another number, and
    ``lives`` lives that took longer, by id: a latency's name, and steps in each (None: not told).
    """

    same: int
    a: list[Entry]
    b: list[Entry]
    before: list[Entry]
    headers: dict[str, tuple[str, str]]
    verdicts: tuple[str, str]
    broken: tuple[list[str], list[str]]
    counts: dict[str, tuple[int, int]]
    lives: dict[str, dict[str, tuple[int | None, int | None]]]

    @property
    def is_same(self) -> bool:
        """Whether the same happened in both, and both came to the same."""
        return not self.a and not self.b and self.verdicts[0] == self.verdicts[1]


HEADER = ("version", "scenario", "scenario_digest", "variant", "era", "setting", "knobs", "tasks")


def key(entry: Entry) -> tuple[str, str, str]:
    """Return what makes two lines the same."""
    return entry.meta.task, entry.meta.event, describe(entry.record)


def compare(one: Source, other: Source, keep: Selection = EVERYTHING) -> Difference:
    """Compare two sources, as far as ``keep`` chooses their lines."""
    (a, lives_a), (b, lives_b) = (chosen(source, keep) for source in (one, other))
    keys = [[key(entry) for entry in entries] for entries in (a, b)]
    same = 0
    for x, y in zip(*keys, strict=False):
        if x != y:
            break
        same += 1
    counts = [Counter(entry.meta.event for entry in entries) for entries in (a, b)]
    kinds = sorted(set(counts[0]) | set(counts[1]))
    return Difference(
        same,
        a[same:],
        b[same:],
        a[:same],
        headers_of(one, other),
        (verdict_of(one), verdict_of(other)),
        (broken_in(a), broken_in(b)),
        {x: (counts[0][x], counts[1][x]) for x in kinds if counts[0][x] != counts[1][x]},
        lives_of(lives_a, lives_b),
    )


def chosen(source: Source, keep: Selection) -> tuple[list[Entry], dict[str, LifeRow]]:
    """Return the lines of a source that are chosen, and by id the lives that any of them is of."""
    lines = list(told(source))
    kept = [line for line in lines if keep.keeps(line)]
    of = {name_life(line.life) for line in kept if line.life is not None and line.is_about}
    rows = {row.life: row for row in life_rows(lines) if row.life in of}
    return [line.entry for line in kept], rows


def headers_of(one: Source, other: Source) -> dict[str, tuple[str, str]]:
    """Return what differs in the headers."""
    if one.log is None or other.log is None:
        return {} if one.kind == other.kind else {"source": (one.kind, other.kind)}
    a, b = one.log.header, other.log.header
    found = {name: (getattr(a, name), getattr(b, name)) for name in HEADER}
    return {name: (str(x), str(y)) for name, (x, y) in found.items() if x != y}


def verdict_of(source: Source) -> str:
    """Return a log's own verdict."""
    if source.log is None:
        return "not judged"
    return source.log.footer.verdict if source.log.footer else "cut off"


def broken_in(entries: list[Entry]) -> list[str]:
    """Return the ids of the rules that a log says were broken."""
    lines = (entry.record for entry in entries)
    return [line.violation.rule for line in lines if isinstance(line, ViolationLine)]


def lives_of(
    a: dict[str, LifeRow], b: dict[str, LifeRow]
) -> dict[str, dict[str, tuple[int | None, int | None]]]:
    """Return the lives that took another number of steps, or that one only has."""
    found: dict[str, dict[str, tuple[int | None, int | None]]] = {}
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in a or name not in b:
            there = tuple(rows[name].events if name in rows else None for rows in (a, b))
            found[name] = {"events": (there[0], there[1])}
            continue
        both = {x: (a[name].latency(x, a[name].steps), b[name].latency(x, b[name].steps))
                for x in LATENCIES}  # fmt: skip
        other = {x: pair for x, pair in both.items() if pair[0] != pair[1]}
        if other:
            found[name] = other
    return found
