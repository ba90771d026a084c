"""A task of the explorer: it always parks, and goes on where whoever holds its coroutine says.

A coroutine cannot be copied, so there are many of one task, each parked somewhere. They share the
task's slot and its contexts (on which CPU its code runs); both are set before one goes on.
"""

from collections.abc import Generator, Iterator
from types import FunctionType, coroutine as awaitable
from typing import Any

from harness.context import Context
from harness.contract import Alternative, Guard, Op
from harness.engine.slot import Slot

__all__ = ["ExploredTask", "Script", "contexts_of"]


class ExploredTask(Slot):
    """A task whose coroutine parks at each step, whoever goes next."""

    __slots__ = ()

    @awaitable
    def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
        wakes: int = -1,
    ) -> Generator[None, None, int]:
        """Announce and park; see ``contract.Task.step``."""
        self.op = op
        self.guard = guard
        self.guard_reads = guard_reads
        self.wakes = guard_reads if wakes < 0 else wakes
        self.alt = alt
        yield
        return self.execution.k


class Script:
    """What the tasks see of an execution: the draws of one step, as a script says.

    Attributes:
        k: what ``step`` returns to the task that goes.
        given: the numbers that are drawn first; behind them each draw is 0.
        made: the draws that were made: name, number, and how many there were to choose from.

    """

    starting = False

    def __init__(self) -> None:
        self.k = 0
        self.given: tuple[int, ...] = ()
        self.made: list[tuple[str, int, int]] = []
        self.optional = False
        self.reduces = True
        """Whether a draw that one number includes all others of is not branched on."""

    def begin(self, k: int, given: tuple[int, ...], *, optional: bool) -> None:
        """Prepare for a step of a task; ``optional`` says that the task is a stimulus."""
        self.k = k
        self.given = given
        self.made = []
        self.optional = optional

    def advance(self, task: Slot) -> Slot | None:
        """Never called: tasks park by themselves.

        Raises:
            NotImplementedError: always.

        """
        raise NotImplementedError

    def draw(self, name: str, k: int) -> int:
        """Return the next number of the script."""
        n = self.given[len(self.made)] if len(self.made) < len(self.given) else 0
        if self.reduces:
            n = fixed(name, k, n, optional=self.optional)
        self.made.append((name, n, k))
        return n

    def following(self) -> tuple[int, ...] | None:
        """Return the script of the next branch, in the order of counting; None: there is none."""
        made = list(self.made)
        while made:
            name, n, k = made.pop()
            if n + 1 < k and not (self.reduces and is_fixed(name, optional=self.optional)):
                return (*[number for _, number, _ in made], n + 1)
        return None


HOLDS_BACK = ("not-before", "in-handler", "in-handler-of")
"""Draws that only hold a stimulus back: with 0 it may come whenever it may at all."""
COUNTS = ("preemptions", "edges")
"""Draws of how often an optional stimulus comes: none has to, so the most includes less."""


def is_fixed(name: str, *, optional: bool) -> bool:
    """Tell whether one number of a draw includes what all others allow."""
    return name in HOLDS_BACK or (optional and name.rstrip("0123456789") in COUNTS)


def fixed(name: str, k: int, n: int, *, optional: bool) -> int:
    """Return the number that is drawn: that of the script, or the one that includes all others."""
    if not is_fixed(name, optional=optional):
        return n
    return 0 if name in HOLDS_BACK else k - 1


def contexts_of(slot: Slot) -> tuple[Context, ...]:
    """Return the contexts that the code of a task works in."""
    return tuple(dict.fromkeys(reached(slot.main, set())))


def reached(function: Any, seen: set[int]) -> Iterator[Context]:
    """Yield the contexts that a function, and those within it, close over."""
    if not isinstance(function, FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    for cell in function.__closure__ or ():
        held = cell.cell_contents
        if isinstance(held, Context):
            yield held
        else:
            yield from reached(held, seen)
