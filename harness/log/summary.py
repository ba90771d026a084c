"""What is in a log or a trace, in figures: events, VCPUs, and each interrupt with its latencies."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.log.latency import LATENCIES, LifeRow, life_rows, spread
from harness.log.lives import Life
from harness.log.registry import Step, ViolationLine
from harness.log.select import Selection
from harness.log.source import Source, Told, told
from model import facts
from model.facts import Fact

__all__ = ["Figures", "figures_of"]

EVERYTHING = Selection()


class Figures:
    """The figures of one log or trace. Times are nanoseconds.

    ``kinds`` counts facts by kind and ``tasks`` steps by task; ``vcpus`` has, per VCPU, counts of
    what happened to it (``entries``, ``exits.REASON``, ``blocked``, ``woken``, ``kicked``);
    ``violations`` are those that the log tells of; ``lives`` the lives of all interrupts. Of what
    ``keep`` leaves out nothing is counted, but for violations; a life counts as a whole if any line
    of it is kept.
    """

    def __init__(self, keep: Selection = EVERYTHING) -> None:
        self.keep = keep
        self.kept: set[Life] = set()
        self.kinds: Counter[str] = Counter()
        self.tasks: Counter[str] = Counter()
        self.vcpus: dict[int, Counter[str]] = {}
        self.violations: list[ViolationLine] = []
        self.first: tuple[int, int] | None = None
        self.last = (0, 0)
        self.lives: list[LifeRow] = []

    def hear(self, lines: Iterable[Told]) -> Iterator[Told]:
        """Count lines as they pass."""
        for line in lines:
            meta, record = line.entry
            yield line
            if isinstance(record, ViolationLine):
                self.violations.append(record)
            if not self.keep.keeps(line):
                continue
            self.last = (meta.step, meta.t)
            self.first = self.first or self.last
            if line.life is not None and line.is_about:
                self.kept.add(line.life)
            if isinstance(record, Fact):
                self.kinds[record.KIND] += 1
                self.count(record)
            elif isinstance(record, Step):
                self.tasks[meta.task] += 1

    def count(self, fact: Fact) -> None:
        """Count what happened to a VCPU."""
        name = VCPU_EVENTS.get(type(fact))
        if name is not None:
            vcpu: int = fact.vcpu  # type: ignore[attr-defined]
            self.vcpus.setdefault(vcpu, Counter())[name(fact)] += 1

    @property
    def span(self) -> tuple[int, int]:
        """How many steps and nanoseconds lie between the first line and the last."""
        first = self.first or (0, 0)
        return self.last[0] - first[0], self.last[1] - first[1]

    def interrupts(self) -> list[dict[str, Any]]:
        """Return a row for each interrupt: how many lives it had, and their latencies."""
        groups: dict[tuple[int, int], list[LifeRow]] = {}
        for row in self.lives:
            groups.setdefault((row.vcpu, row.intid), []).append(row)
        return [
            {
                "vcpu": vcpu if vcpu >= 0 else None,
                "vintid" if vcpu >= 0 else "intid": intid,
                "lives": sum(row.number > 0 for row in rows),
                "whole": sum(row.is_whole for row in rows),
                "acks": sum(row.acks for row in rows),
                "events": sum(row.events for row in rows),
                **{
                    f"{name}_{unit}": spread(row.latency(name, of(row)) for row in rows)
                    for name in LATENCIES
                    for unit, of in UNITS.items()
                },
            }
            for (vcpu, intid), rows in sorted(groups.items())
        ]


UNITS: dict[str, Callable[[LifeRow], dict[str, int]]] = {
    "steps": lambda row: row.steps,
    "ns": lambda row: row.ns,
}
VCPU_EVENTS: dict[type[Fact], Callable[[Any], str]] = {
    facts.Entered: lambda _: "entries",
    facts.Exited: lambda fact: f"exits.{fact.reason}" if fact.reason else "exits",
    facts.Blocked: lambda _: "blocked",
    facts.Woken: lambda _: "woken",
    facts.Kicked: lambda _: "kicked",
    facts.Loaded: lambda _: "loaded",
}


def figures_of(source: Source, keep: Selection = EVERYTHING) -> Figures:
    """Read a log or a trace through, once, and return the figures of what ``keep`` chooses."""
    figures = Figures(keep)
    rows = life_rows(figures.hear(told(source)))
    figures.lives = [row for row in rows if Life(row.vcpu, row.intid, row.number) in figures.kept]
    return figures
