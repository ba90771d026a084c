"""A task's place in the engine, and what is known of a world's tasks.

The tables of :class:`Known` fill up within a few executions, and are kept from one execution to the
next; then they answer what would otherwise be asked of every task at every step.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from harness.contract import Alternative, Guard, Op
from harness.engine.choice import Draws, StepOf
from model.identity import Actor

__all__ = [
    "CUT", "DRAIN", "IDLE_OP", "NUDGED", "SEARCH", "Candidates", "Known", "Main", "Running", "Slot",
    "Watchers",
]  # fmt: skip

SEARCH, DRAIN, NUDGED, CUT = 0, 1, 2, 3
"""Phases of an execution."""
IDLE_OP = Op("idle", 0, 0)
CANDIDATES_MAX = 4_096


class Running(Protocol):
    """The execution that a task is part of, as the task sees it."""

    starting: bool
    """Whether the tasks are still being started, one after the other."""
    k: int
    """What ``step`` returns to the task that was chosen: 1 for its alternative, else 0."""

    def advance(self, task: "Slot") -> "Slot | None":
        """Take the announcement of ``task`` and return who goes next, None when it is over."""

    def draw(self, name: str, k: int) -> int:
        """Return a number from 0 to ``k - 1``, the strategy's, and record it."""


class Slot:
    """A task's place in the engine: what it announced, and its guard. See ``contract.Task``.

    ``main`` is its code; ``coroutine`` runs it, in this execution. ``bit`` is the task's own in
    masks of tasks. ``eager`` tasks go before any choice, and unrecorded.
    """

    __slots__ = (
        "actor",
        "alt",
        "bit",
        "coroutine",
        "eager",
        "execution",
        "guard",
        "guard_reads",
        "index",
        "known",
        "main",
        "name",
        "op",
        "optional",
        "turn",
        "wakes",
    )

    execution: Running
    """Set when an execution begins."""

    def __init__(self, name: str, actor: Actor, main: "Main", *, optional: bool = False) -> None:
        self.name = name
        self.actor = actor
        self.main = main
        self.optional = optional
        self.eager = False
        self.index = 0
        self.bit = 0
        self.turn = StepOf(name)
        self.op = IDLE_OP
        self.alt: Alternative | None = None
        self.guard: Guard | None = None
        self.guard_reads = 0
        self.wakes = 0
        self.coroutine: Coroutine[Any, Any, None] | None = None
        self.known: Known | None = None

    def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
        wakes: int = -1,
    ) -> Awaitable[int]:
        """Announce and park; how is the engine's business (``contract.Task.step``)."""
        raise NotImplementedError

    def choose(self, name: str, k: int) -> int:
        """Draw 0 to ``k - 1`` within the step just begun (``contract.Task.choose``)."""
        return 0 if k <= 1 else self.execution.draw(name, k)

    def watch(self, wakes: int) -> None:
        """Narrow what wakes the guard to these bits (``contract.Task.watch``)."""
        self.wakes = wakes
        if self.known is not None and wakes & ~self.known.watchers.reads[self.index]:
            self.known.watchers.learn(self)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op.name}>"


Main = Callable[[Slot], Coroutine[Any, Any, None]]


class Candidates(dict[int, tuple[Slot, ...]]):
    """The tasks of each mask of enabled tasks, in task order; only so many are kept."""

    def __init__(self, tasks: tuple[Slot, ...]) -> None:
        self.tasks = tasks

    def __missing__(self, enabled: int) -> tuple[Slot, ...]:
        if len(self) >= CANDIDATES_MAX:
            self.clear()  # large machines never come back to most of them
        found, left = [], enabled
        while left:
            lowest = left & -left
            found.append(self.tasks[lowest.bit_length() - 1])
            left ^= lowest
        self[enabled] = candidates = tuple(found)
        return candidates


class Watchers(dict[int, tuple[Slot, ...]]):
    """The tasks whose guards a write of these resources may change.

    ``reads`` is, per task, what its guards were ever seen to wait for. It grows for a few steps and
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
        self.reads[task.index] |= task.wakes
        self.clear()


class Known:
    """What was learnt of a world's tasks; it is true of every execution of them."""

    def __init__(self, tasks: tuple[Slot, ...]) -> None:
        self.tasks = tasks
        self.candidates = Candidates(tasks)
        self.watchers = Watchers(tasks)
        self.draws = Draws()
        self.named = {task.name: task for task in tasks}

    @classmethod
    def of(cls, tasks: tuple[Slot, ...]) -> "Known":
        """Return what is known of ``tasks``: nothing yet, the first time."""
        known = tasks[0].known
        if known is None or known.tasks is not tasks:
            known = cls(tasks)
            for task in tasks:
                task.known = known
        return known
