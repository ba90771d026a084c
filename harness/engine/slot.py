"""A task's place in the engine, and what is known of a world's tasks.

The two tables fill up within a few executions, and are kept from one execution to the next; then
they answer what would otherwise be asked of every task at every step.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from harness.contract import Alternative, Guard, Op
from model.identity import Actor

if TYPE_CHECKING:
    from harness.engine.execution import Execution

__all__ = ["CUT", "DRAIN", "IDLE_OP", "NUDGED", "SEARCH", "Candidates", "Main", "Slot", "Watchers"]

SEARCH, DRAIN, NUDGED, CUT = 0, 1, 2, 3
"""Phases of an execution."""
IDLE_OP = Op("idle", 0, 0)

Main = Callable[[Any], Coroutine[Any, Any, None]]


class Slot:
    """A task's place in the engine: what it announced, and its guard. See ``contract.Task``."""

    __slots__ = (
        "actor",
        "alt",
        "bit",
        "eager",
        "execution",
        "guard",
        "guard_reads",
        "index",
        "main",
        "name",
        "op",
        "optional",
        "thread",
    )

    def __init__(self, name: str, actor: Actor, main: Main, *, optional: bool = False) -> None:
        self.name = name
        self.actor = actor
        self.main = main
        self.optional = optional
        self.eager = False
        self.index = 0
        self.bit = 0
        self.op = IDLE_OP
        self.alt: Alternative | None = None
        self.guard: Guard | None = None
        self.guard_reads = 0
        self.execution: Execution = None  # type: ignore[assignment]  # set when it starts
        self.thread: Any = None

    def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
    ) -> Awaitable[int]:
        """Announce and park; how is the engine's business (``contract.Task.step``)."""
        raise NotImplementedError

    def choose(self, name: str, k: int) -> int:
        """Draw 0 to ``k - 1`` within the step just begun (``contract.Task.choose``)."""
        if k <= 1:
            return 0
        execution = self.execution
        if execution.phase != SEARCH:
            return 0
        n = execution.strategy.draw(name, k)
        if not 0 <= n < k:
            raise ValueError(f"strategy drew {n} for {name}, expected 0 to {k - 1}")
        execution.choices.append(-1 - n)
        return n

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op.name}>"


class Candidates(dict[int, tuple[Slot, ...]]):
    """The tasks of each mask of enabled tasks, in task order."""

    def __init__(self, tasks: tuple[Slot, ...]) -> None:
        self.tasks = tasks

    def __missing__(self, enabled: int) -> tuple[Slot, ...]:
        found = self[enabled] = tuple(t for t in self.tasks if t.bit & enabled)
        return found


class Watchers(dict[int, tuple[Slot, ...]]):
    """The tasks whose guards a write of these resources may change.

    ``reads`` is, per task, what its guards were ever seen to read. It grows for a few steps and
    then stays as it is, so that a write need not look at every task.
    """

    def __init__(self, tasks: tuple[Slot, ...]) -> None:
        self.tasks = tasks
        self.reads = [0] * len(tasks)

    def __missing__(self, writes: int) -> tuple[Slot, ...]:
        pairs = zip(self.tasks, self.reads, strict=True)
        found = self[writes] = tuple(t for t, reads in pairs if reads & writes)
        return found

    def learn(self, task: Slot) -> None:
        """Note what the guard of ``task`` reads."""
        self.reads[task.index] |= task.guard_reads
        self.clear()
