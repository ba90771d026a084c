"""The lives of interrupts as rows: when each came how far, and how long that took.

Virtual time stands still between deadlines, so that most things take 0 ns in a run of the model:
there the steps are the clock that matters. In a kernel's trace it is the other way round.
"""

from collections.abc import Iterable
from statistics import median
from typing import Any

import msgspec

from harness.log.lives import Life
from harness.log.source import Told, name_life
from harness.log.stages import MILESTONES, milestone_of
from model.facts import Fact

__all__ = ["LATENCIES", "LifeRow", "life_rows", "spread"]

LATENCIES: dict[str, tuple[str, str]] = {
    "to_inject": ("asserted", "injected"),
    "to_lr": ("asserted", "in_lr"),
    "to_ack": ("asserted", "acked"),
    "handling": ("acked", "deactivated"),
    "whole": ("asserted", "deactivated"),
}
"""What is measured, from one milestone to another."""


class LifeRow(msgspec.Struct):
    """One life of an interrupt. Without further word, numbers are None where that did not happen.

    ``life`` is its id, ``number`` counts from 1, 0 is before the first. ``began`` is where the log
    first speaks of it and ``ended`` where it last does; ``events`` how often it does. ``steps`` and
    ``ns`` have the milestones' steps and times by their name.
    """

    life: str
    vcpu: int
    intid: int
    number: int
    began_step: int
    began_t: int
    ended_step: int
    ended_t: int
    events: int = 0
    acks: int = 0
    steps: dict[str, int] = {}
    ns: dict[str, int] = {}

    @property
    def is_whole(self) -> bool:
        """Whether the guest acknowledged and deactivated it."""
        return "acked" in self.steps and "deactivated" in self.steps

    def latency(self, name: str, of: dict[str, int]) -> int | None:
        """Return a latency by steps or by ns; None if one of its ends did not happen, or late."""
        begin, end = LATENCIES[name]
        if begin not in of or end not in of or self.steps[end] < self.steps[begin]:
            return None
        return of[end] - of[begin]

    def flat(self) -> dict[str, Any]:
        """Return the row with a column for each number."""
        out: dict[str, Any] = {
            name: getattr(self, name)
            for name in self.__struct_fields__
            if name not in ("steps", "ns")
        }
        out["is_whole"] = self.is_whole
        for name in MILESTONES:
            out[f"{name}_step"] = self.steps.get(name)
            out[f"{name}_t"] = self.ns.get(name)
        for name in LATENCIES:
            out[f"{name}_steps"] = self.latency(name, self.steps)
            out[f"{name}_ns"] = self.latency(name, self.ns)
        return out


def life_rows(lines: Iterable[Told]) -> list[LifeRow]:
    """Return the lives that a log tells of, in the order in which it first does."""
    rows: dict[Life, LifeRow] = {}
    for line in lines:
        fact, life = line.entry.record, line.life
        if life is None or not line.is_about or not isinstance(fact, Fact):
            continue
        meta = line.entry.meta
        row = rows.get(life)
        if row is None:
            at = (meta.step, meta.t)
            row = rows[life] = LifeRow(name_life(life), *life, *at, *at)
        row.ended_step, row.ended_t = meta.step, meta.t
        row.events += 1
        for name in milestone_of(fact):
            row.acks += name == "acked"
            row.steps.setdefault(name, meta.step)
            row.ns.setdefault(name, meta.t)
    return list(rows.values())


def spread(values: Iterable[int | None]) -> dict[str, float] | None:
    """Return the least, the median and the most of numbers; None if there are none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"least": min(known), "median": median(known), "most": max(known)}
