"""Blind replay of a prefix: the recorded choices again, without guards, rules or a strategy.

A search that comes back to a state it has reached before needs the state, not the checks on the way
there. Nothing is verified: the choices must come from an execution of the same world.
"""

from collections.abc import Sequence

from harness.engine.execution import Execution, Slot, World
from harness.strategies.round_robin import RoundRobin

__all__ = ["PrefixExecution"]


class PrefixExecution(Execution):
    """Makes ``choices`` (as recorded in an ``Outcome``) and stops."""

    __slots__ = ("position", "prefix")

    def __init__(self, world: World, choices: Sequence[int]) -> None:
        super().__init__(world, RoundRobin())
        self.prefix = tuple(choices)

    def begin(self) -> bool:
        """Start from the first choice."""
        self.position = 0
        begun = super().begin()
        self.strategy = self  # type: ignore[assignment]  # it answers draws itself
        return begun

    def draw(self, name: str, k: int) -> int:
        """Draw what was drawn."""
        choice = self.prefix[self.position]
        self.position += 1
        return -1 - choice

    def end(self, outcome: object) -> None:
        """Learn nothing."""

    def advance(self, task: Slot) -> Slot | None:
        """Let the next task of the record go, whatever its guard says."""
        if self.starting:
            return self.start_next(task)
        return self.pick(task)

    def retire(self, task: Slot) -> Slot | None:
        """Go on without a task that returned."""
        return self.advance(task)

    def pick(self, current: Slot | None) -> Slot | None:
        """Take the next choice of the record."""
        position = self.position
        if position >= len(self.prefix):
            self.finish()
            return None
        self.position = position + 1
        task = self.tasks[self.prefix[position]]
        self.steps += 1
        alt = task.alt
        self.k = 1 if alt is not None and alt[1]() else 0
        self.chosen = task
        return task
