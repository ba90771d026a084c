"""What a task and a strategy see of the engine. Everything else is built on these few names.

A *task* is an ``async def`` that touches shared state only between two awaits of
:meth:`Task.step`. It announces an operation, is parked, and is let go when a *strategy* chooses it;
then it performs the operation and runs on to its next announcement. Nothing else runs meanwhile::

    k = await cpu.step(op, guard=..., guard_reads=mask, alt=(op2, condition))
    n = cpu.choose(name, k)

The strategy sees who may go and what each would do, and picks one. The engine owns everything
else: guards, the bounds, the drain at the end, and the record of the choices.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from harness.engine.outcome import Outcome
from model.identity import Actor

__all__ = ["ABANDON", "Abandon", "Alternative", "Guard", "Op", "RunInfo", "Strategy", "Task"]


class Op(msgspec.Struct, frozen=True, gc=False):
    """An atomic operation: its name (from the event registry) and its footprint.

    ``reads`` and ``writes`` are bit masks over the resources of the scenario; two operations of
    different tasks conflict when one writes what the other reads or writes. ``told`` and ``heard``
    are the same for what the facts that come of it are told to: bits of the parts of views and
    rules, which no guard reads.
    """

    name: str
    reads: int
    writes: int
    told: int = 0
    heard: int = 0

    def conflicts(self, other: "Op") -> bool:
        """Tell whether the order of the two operations can matter."""
        return bool(
            self.writes & (other.reads | other.writes)
            or self.reads & other.writes
            or self.told & (other.heard | other.told)
            or self.heard & other.told
        )


Guard = Callable[[], bool]
Alternative = tuple[Op, Guard]


class Task(Protocol):
    """A task as its own code and as a strategy see it: ``name`` in schedules, ``actor`` who it is.

    ``op`` is what the task announced; ``alt`` the operation that replaces it if its condition
    holds when the task is chosen; ``optional`` marks stimuli that the drain leaves out.
    """

    name: str
    index: int
    actor: Actor
    optional: bool
    op: Op
    alt: Alternative | None

    def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
        wakes: int = -1,
    ) -> Awaitable[int]:
        """Announce ``op``, park, and return once chosen: 0 to perform ``op``, 1 for ``alt``.

        Args:
            op: the operation to be performed next.
            guard: while it is false the task cannot be chosen; a pure function of ``guard_reads``.
            guard_reads: the resources that ``guard`` reads, as bits.
            alt: an operation to perform instead, if its condition holds when the task is chosen.
            wakes: those of ``guard_reads`` that the guard's answer hangs on as things are now (-1:
                all); it is asked again when one is written, and says so anew by :meth:`watch`.

        """

    def watch(self, wakes: int) -> None:
        """Narrow what the task's guard is asked again for; a guard calls it for its own task.

        Args:
            wakes: the resources, as bits, that its answer of just now hangs on. A write to any
                other of its ``guard_reads`` does not wake it until it has said so anew.

        """

    def choose(self, name: str, k: int) -> int:
        """Draw a number from 0 to ``k - 1`` inside the step just begun, without parking.

        Args:
            name: what is drawn, as one word (``placed-on``): it stands in the schedule.
            k: the number of alternatives; nobody is asked, and nothing recorded, if it is 1.

        """


class Abandon:
    """The type of :data:`ABANDON`."""

    def __repr__(self) -> str:
        return "ABANDON"


ABANDON: Final = Abandon()
"""What ``choose`` returns to end its part of the execution; the engine then drains."""


class RunInfo(msgspec.Struct, frozen=True):
    """What a strategy learns before an execution: the tasks, and the bound on its steps."""

    tasks: tuple[Task, ...]
    steps_max: int


class Strategy(Protocol):
    """Makes every choice of an execution. One instance serves many executions in turn."""

    every_step: bool
    """Whether ``choose`` is called even when only one task is enabled."""

    def begin(self, info: RunInfo) -> bool:
        """Prepare for an execution; return False when there is nothing left to try."""

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> "Task | Abandon":
        """Pick one of the enabled tasks, or end the strategy's part.

        Args:
            enabled: the tasks that can go, in task order; never empty.
            pending: all tasks, with what they announced.
            current: the task that made the last step; None before the first.

        """

    def draw(self, name: str, k: int) -> int:
        """Return a number from 0 to ``k - 1`` for the choice ``name``."""

    def end(self, outcome: Outcome) -> None:
        """Learn how the execution ended."""
