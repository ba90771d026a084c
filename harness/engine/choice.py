"""A choice is a value: a step of a task, or a draw with its name and its range.

An execution records these, a schedule prints them, a replay makes them again.
"""

import re

import msgspec

__all__ = ["Choice", "Draw", "Draws", "StepOf"]

WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
"""What the name of a draw looks like, so that a schedule can carry it."""


class StepOf(msgspec.Struct, frozen=True, gc=False, tag="step"):
    """The task called ``task`` made a step. Printed as the name."""

    task: str

    def __str__(self) -> str:
        return self.task


class Draw(msgspec.Struct, frozen=True, gc=False, tag="draw"):
    """``n`` was drawn for ``name``, out of 0 to ``k - 1``. Printed as ``name:n/k``."""

    name: str
    n: int
    k: int

    def __str__(self) -> str:
        return f"{self.name}:{self.n}/{self.k}"


Choice = StepOf | Draw


class Draws(dict[tuple[str, int, int], Draw]):
    """The draws that were ever made of a world's tasks, by name, n and k: one value each.

    Raises:
        ValueError: a name that is not one word, or a number that is out of its range.

    """

    def __missing__(self, key: tuple[str, int, int]) -> Draw:
        name, n, k = key
        if not WORD.match(name):
            raise ValueError(
                f"the name of a draw is {name!r}, expected one word such as 'placed-on'"
            )
        if not 0 <= n < k:
            raise ValueError(f"strategy drew {n} for {name}, expected 0 to {k - 1}")
        found = self[key] = Draw(name, n, k)
        return found
