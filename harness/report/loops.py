"""Storms: stretches of an execution that come again and again, found to be told once."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from harness.report.course import Turn
from model import facts
from model.facts import Fact

__all__ = ["Loop", "find_loops"]

PERIOD_MAX = 120
TIMES_MIN = 3
LENGTH_MIN = 24
"""A stretch of fewer turns, all its times together, is told as it is."""

TIMELIKE = frozenset(
    {"now", "cval", "deadline", "expiry", "message", "value", "instructions", "running"}
)
"""Fields that go on counting while everything else comes again."""


class Loop(NamedTuple):
    """Turns ``first`` to ``first + period - 1`` (indices) come ``times`` times in a row."""

    first: int
    period: int
    times: int

    @property
    def end(self) -> int:
        """The index after the last turn of the last time."""
        return self.first + self.period * self.times


def find_loops(turns: Sequence[Turn]) -> list[Loop]:
    """Return the loops of an execution, in order; they do not overlap.

    Two turns are alike if the same task makes the same operation and the same comes of it, but for
    times and counts.
    """
    names: dict[Hashable, int] = {}
    signs = [names.setdefault(sign(turn), len(names)) for turn in turns]
    loops = []
    at = 0
    while at < len(signs):
        loop = longest_at(signs, at)
        if loop is None:
            at += 1
        else:
            loops.append(loop)
            at = loop.end
    return loops


def longest_at(signs: Sequence[int], at: int) -> Loop | None:
    """Return the loop that begins at ``at`` and takes most turns; of several the shortest."""
    best: Loop | None = None
    for period in range(1, PERIOD_MAX + 1):
        if at + period >= len(signs):
            break
        if signs[at] != signs[at + period]:
            continue
        same = 0
        while at + same + period < len(signs) and signs[at + same] == signs[at + same + period]:
            same += 1
        times = same // period + 1
        if times < TIMES_MIN or times * period < LENGTH_MIN:
            continue
        if best is None or times * period > best.period * best.times + best.period:
            best = Loop(at, period, times)
    return best


def sign(turn: Turn) -> Hashable:
    """Return what two turns have in common that are alike."""
    return turn.who.task, turn.op, tuple(map(sign_of_fact, turn.facts))


def sign_of_fact(fact: Fact) -> Hashable:
    """Return a fact without what goes on counting."""
    kept = []
    for name in fact.__struct_fields__:
        counts = name in TIMELIKE and not isinstance(fact, facts.HcrWritten)
        if not counts or isinstance(getattr(fact, name), bool):
            kept.append(getattr(fact, name))
    return fact.KIND, *kept
