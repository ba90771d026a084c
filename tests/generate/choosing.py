"""Where a generated scenario gets its choices from: numbers below a bound, from anywhere.

Hypothesis makes them where it shrinks what fails (``tests.generate.strategy``), a seeded generator
where a scenario is to be had again by its number (:func:`numbered`). 0 is the simplest choice.
"""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["Chooser", "numbered"]

T = TypeVar("T")


class Chooser:
    """Choices out of ``below``, which gives a number from 0 to one less than it is told."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self.below = below

    def number(self, low: int, high: int) -> int:
        """Return a number from ``low`` to ``high``."""
        return low + self.below(high - low + 1)

    def one_of(self, items: Sequence[T]) -> T:
        """Return one of several; the first is the simplest."""
        return items[self.below(len(items))]

    def chance(self, percent: int) -> bool:
        """Tell whether what comes in so many of a hundred cases is to be; False is simpler."""
        return self.below(100) >= 100 - percent

    def weighted(self, items: Sequence[tuple[T, int]]) -> T:
        """Return one of several, each as often as its weight says."""
        left = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            if left < weight:
                return item
            left -= weight
        raise AssertionError("a number below the sum of the weights is below one of them")


def numbered(seed: int, index: int) -> Chooser:
    """Return the choices of scenario ``index`` of a seed: always the same ones."""
    return Chooser(random.Random(f"{seed}/{index}").randrange)
