"""Blind replay of a prefix: the recorded choices again, without guards, rules or a strategy.

A search that comes back to a state it has reached before needs the state, not the checks on the way
there. Nothing is verified: the choices must come from an execution of the same world.
"""

from collections.abc import Sequence

from harness.engine.execution import Execution, Outcome, Slot, World
from harness.strategies.round_robin import RoundRobin

__all__ = ["PrefixExecution"]


class PrefixExecution(Execution):
    """Makes ``choices`` (as recorded in an ``Outcome``) and stops."""

    __slots__ = ("position", "prefix", "size")

    def __init__(self, world: World, choices: Sequence[int]) -> None:
        super().__init__(world, RoundRobin())
        self.prefix = tuple(choices)
        self.size = len(self.prefix)

    def begin(self) -> bool:
        """Start from the first choice."""
        self.position = 0
        begun = super().begin()
        self.strategy = self  # type: ignore[assignment]  # it answers draws itself
        return begun

    def draw(self, name: str, k: int) -> int:  # noqa: ARG002
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
        position = self.position
        if position >= self.size:
            self.finish()
            return None
        self.position = position + 1
        chosen = self.tasks[self.prefix[position]]
        alt = chosen.alt
        self.k = 1 if alt is not None and alt[1]() else 0
        self.chosen = chosen
        return chosen

    def retire(self, task: Slot) -> Slot | None:
        """Go on without a task that returned."""
        return self.advance(task)

    def pick(self, current: Slot | None) -> Slot | None:  # noqa: ARG002
        """Make the first choice of the record, once every task has started."""
        return self.advance(self.tasks[0])

    def outcome(self) -> Outcome:
        """Return how far it came; there is no verdict."""
        self.steps = sum(1 for choice in self.prefix[: self.position] if choice >= 0)
        return super().outcome()
