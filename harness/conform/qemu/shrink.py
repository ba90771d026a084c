"""Shrinking: the fewest operations that still show a divergence (Zeller and Hildebrandt, ddmin)."""

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
    parts = 2
    while len(best) >= 2:
        size = -(-len(best) // parts)
        reduced = False
        # From the end: what comes after the cause goes first.
        for start in range((len(best) - 1) // size * size, -1, -size):
            candidate = best[:start] + best[start + size :]
            if not candidate:
                continue
            if asked >= budget:
                return best
            asked += 1
            if fails(candidate):
                best = candidate
                parts = max(parts - 1, 2)
                reduced = True
                break
        if not reduced:
            if size == 1:
                return best
            parts = min(parts * 2, len(best))
    return best
