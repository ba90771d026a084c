"""Shrinking: the fewest operations that still show a divergence.

Delta debugging (Zeller and Hildebrandt, ddmin) in sweeps: a sweep tries to leave out each part of
one size, from the end, and goes on with what is left; then the parts are halved. Sweeps of single
operations are repeated until one changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["shrink"]

T = TypeVar("T")


def shrink(items: Sequence[T], fails: Callable[[Sequence[T]], bool], budget: int = 2000) -> list[T]:
    """Return a subsequence of ``items`` that still fails and from which no one item can go.

    Args:
        items: the whole sequence, which is taken to fail.
        fails: tells whether a subsequence does.
        budget: how many subsequences it is asked about at most; when that is used up, the shortest
            one found so far is returned.
    """
    best = list(items)
    asked = 0
    size = max(len(best) // 2, 1)
    while True:
        reduced = False
        # From the end: what comes after the cause goes first.
        end = len(best)
        while end > 0 and len(best) > 1:
            start = max(end - size, 0)
            candidate = best[:start] + best[end:]
            end = start
            if not candidate:
                continue
            if asked >= budget:
                return best
            asked += 1
            if fails(candidate):
                best = candidate
                reduced = True
        if size == 1 and not reduced:
            return best
        size = max(size // 2, 1)
