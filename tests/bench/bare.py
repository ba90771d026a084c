"""Yardsticks that do nothing but hand over: plain coroutines, and Trio tasks.

They share no code with the product, so a slow-down of the product never makes them slower too. Both
walk over traces (the numbers of the tasks that made the steps of real executions): as many
coroutines as the scenario has tasks, started and torn down per execution, a list that grows by a
choice per step, and a real hand-over wherever the real execution had one. Nobody checks anything.

The plain coroutines carry ballast: each step, and each start of a task, calls a method of some
objects out of a ring of about half a megabyte. Without it the yardstick would live in the fastest
cache, and a neighbour who takes the larger ones would make the product slower but not the bare
engine (by a quarter, as measured; with it, by nothing that can be seen).
"""

from collections.abc import Coroutine, Generator, Iterator, Sequence
from random import Random
from time import process_time
from types import coroutine
from typing import Any

import trio
from trio.lowlevel import Abort, Task, current_task, reschedule, wait_task_rescheduled

Trace = Sequence[int]


class End(BaseException):
    """Thrown into coroutines when a trace is over."""


RING = 6_500
TOUCHES = 12


class Cell:
    """A piece of ballast."""

    __slots__ = ("after", "count", "last", "total")

    after: "Cell"

    def __init__(self) -> None:
        self.count = self.last = self.total = 0

    def touch(self, n: int) -> "Cell":
        """Do a little with what is in here, and say who is next."""
        self.last = n
        self.total += self.last & 1
        return self.after


def ring(size: int) -> Cell:
    """Return a cell of a ring that goes through memory in no order."""
    cells = [Cell() for _ in range(size)]
    shuffled = list(cells)
    Random(0).shuffle(shuffled)
    for cell, after in zip(shuffled, shuffled[1:] + shuffled[:1], strict=True):
        cell.after = after
    return cells[0]


class Walk:
    """Where a trace is; both yardsticks advance it."""

    def __init__(self) -> None:
        self.left: Iterator[int] = iter(())
        self.choices: list[int] = []
        self.chosen = -1

    def begin(self, trace: Trace) -> None:
        """Start a trace."""
        self.left = iter(trace)
        self.choices = []

    def advance(self) -> int:
        """Choose the next task; -1 when the trace is over."""
        chosen = self.chosen = next(self.left, -1)
        self.choices.append(chosen)
        return chosen


class LadenWalk(Walk):
    """A walk with ballast."""

    cell = ring(RING)

    def work(self) -> None:
        """Touch some ballast."""
        cell = self.cell
        for n in range(TOUCHES):
            cell = cell.touch(n)
        self.cell = cell

    def advance(self) -> int:
        """Work, and choose the next task."""
        self.work()
        return super().advance()


@coroutine
def park(walk: LadenWalk, me: int) -> Generator[None, None, None]:
    """Go on, or yield when somebody else is next."""
    if walk.advance() != me:
        yield


async def steps(walk: LadenWalk, me: int) -> None:
    """Do nothing that matters, step by step, for ever."""
    walk.work()
    await begin()
    while True:
        await park(walk, me)


@coroutine
def begin() -> Generator[None, None, None]:
    """Wait to be let go the first time."""
    yield


def coroutines(tasks: int, traces: Sequence[Trace], times: int = 1) -> float:
    """Return the CPU seconds of walking over the traces with plain coroutines, ``times`` over."""
    walk = LadenWalk()
    began = process_time()
    for _ in range(times):
        for trace in traces:
            walk.begin(trace)
            threads: list[Coroutine[Any, Any, None]] = [steps(walk, i) for i in range(tasks)]
            resume = [thread.send for thread in threads]
            for first in resume:
                first(None)
            chosen = walk.advance()
            while chosen >= 0:
                resume[chosen](None)
                chosen = walk.chosen
            for thread in threads:
                try:
                    thread.throw(End)
                except End:
                    continue
    return (process_time() - began) / times


class TrioWalk(Walk):
    """A trace walked by Trio tasks that park and reschedule each other."""

    owner: Task

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Task] = []

    async def main(self, tasks: int, traces: Sequence[Trace]) -> float:
        """Start the tasks, and time the traces one after the other."""
        self.owner = current_task()
        async with trio.open_nursery() as nursery:
            for index in range(tasks):
                nursery.start_soon(self.task, index)
                await wait_task_rescheduled(succeed)
            began = process_time()
            for trace in traces:
                self.begin(trace)
                self.hand_over(self.advance())
                await wait_task_rescheduled(succeed)
            seconds = process_time() - began
            nursery.cancel_scope.cancel()
        return seconds

    def hand_over(self, chosen: int) -> None:
        """Let the chosen task go, or the owner at the end."""
        reschedule(self.tasks[chosen] if chosen >= 0 else self.owner)

    async def task(self, me: int) -> None:
        """Park, and hand over wherever the trace does."""
        self.tasks.append(current_task())
        reschedule(self.owner)
        await wait_task_rescheduled(succeed)
        while True:
            chosen = self.advance()
            if chosen != me:
                self.hand_over(chosen)
                await wait_task_rescheduled(succeed)


def succeed(_raise_cancel: object) -> Abort:
    """Let a cancellation through."""
    return Abort.SUCCEEDED


def trio_tasks(tasks: int, traces: Sequence[Trace]) -> float:
    """Return the CPU seconds of walking over the traces with Trio tasks that stay."""
    return trio.run(TrioWalk().main, tasks, traces)


def hand_offs(tasks: int, traces: Sequence[Trace]) -> float:
    """Return the CPU seconds of all hand-overs of the traces under Trio.

    That is walking over them (with a hand-over to start each task, as the product has), without
    what as many steps cost in which the same task goes on.
    """
    starts = list(range(tasks))
    walked = trio_tasks(tasks, [[*starts, *trace] for trace in traces])
    stayed = trio_tasks(1, [[0] * (tasks + len(trace)) for trace in traces])
    return walked - stayed
