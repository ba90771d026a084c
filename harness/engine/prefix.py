"""Blind replay of a prefix: the recorded choices again, without guards, rules or a strategy.

A search that comes back to a state it has reached before needs the state, not the checks on the way
there. Nothing is verified: the choices must come from an execution of the same world.
"""

from collections.abc import Sequence

from harness.engine.choice import Choice
from harness.engine.execution import Execution, Outcome, Slot, World
from harness.engine.slot import Known
from harness.strategies.round_robin import RoundRobin

__all__ = ["PrefixExecution"]


class PrefixExecution(Execution):
    """Makes ``choices`` (as recorded in an ``Outcome`` of the same world) and stops."""

    __slots__ = ("left", "named", "prefix", "size")

    def __init__(self, world: World, choices: Sequence[Choice]) -> None:
        super().__init__(world, RoundRobin())
        self.prefix = choices
        self.named = Known.of(self.tasks).named

    def begin(self) -> bool:
        """Start from the first choice."""
        self.left = iter(self.prefix)
        self.size = len(self.prefix)
        return super().begin()

    def draw(self, name: str, k: int) -> int:  # noqa: ARG002
        """Draw what was drawn."""
        self.size -= 1
        return next(self.left).n  # type: ignore[union-attr]  # it is no step

    def advance(self, task: Slot) -> Slot | None:
        """Let the next task of the record go, whatever its guard says."""
        if self.starting:
            return self.start_next(task)
        for choice in self.left:
            chosen = self.named[choice.task]  # type: ignore[union-attr]  # it is no draw
            self.chosen = chosen
            alt = chosen.alt
            self.k = 1 if alt is not None and alt[1]() else 0
            return chosen
        self.finish()
        return None

    def retire(self, task: Slot) -> Slot | None:
        """Go on without a task that returned."""
        return self.advance(task)

    def pick(self, current: Slot | None) -> Slot | None:  # noqa: ARG002
        """Make the first choice of the record, once every task has started."""
        return self.advance(self.tasks[0])

    def outcome(self) -> Outcome:
        """Return how far it came; there is no verdict."""
        self.steps = self.size  # what was not a draw
        return super().outcome()
