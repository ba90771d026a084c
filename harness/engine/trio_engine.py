"""The Trio engine: every actor a Trio task of its own, parked at each scheduling point.

The task that parks chooses who goes next and reschedules it itself, so there is no controller
task, and no hand-over at all when the same task goes on. Trio's own order decides nothing: at any
moment at most one actor is runnable. Actors are persistent: at the end of an execution each one is
thrown out of where it was parked and, in the same resumption, starts its part of the next.
"""

from collections.abc import Generator
from contextlib import suppress
from typing import Any

import outcome as outcomes
import trio
from trio.lowlevel import (
    Abort,
    current_task,
    enable_ki_protection,
    reschedule,
    wait_task_rescheduled,
)

from harness.contract import Alternative, Guard, Op
from harness.engine.execution import EndOfExecution, Execution, Outcome, Slot

__all__ = ["TrioEngine"]


def discard(_raise_cancel: Any) -> Abort:
    """Let a cancellation through to a parked actor."""
    return Abort.SUCCEEDED


class TrioTask(Slot):
    """A task of the Trio engine; ``thread`` is the actor (a Trio task) that runs it."""

    __slots__ = ()

    async def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
    ) -> int:
        """Announce and park; see ``contract.Task.step``."""
        execution = self.execution
        self.op = op
        self.guard = guard
        self.guard_reads = guard_reads
        self.alt = alt
        chosen = execution.advance(self)
        if chosen is not self:
            if execution.owner is None:
                pass  # Discarded from outside: everybody is being cancelled where it parks.
            elif execution.starting:
                # Not started yet: thrown out of the execution before, it starts at once.
                reschedule(chosen.thread, end())  # type: ignore[union-attr]
            elif chosen is not None:
                reschedule(chosen.thread)
            else:
                reschedule(execution.owner)
            await wait_task_rescheduled(discard)
        return execution.k


def end() -> Any:
    """Return what throws a task out of the execution before; it then starts the next one."""
    return outcomes.Error(EndOfExecution())


class TrioEngine:
    """Runs executions inside one ``trio.run``. ``name`` is what ``--engine`` says."""

    name = "trio"
    task_class: type[Slot] = TrioTask

    def __init__(self) -> None:
        self.actors: list[trio.lowlevel.Task] = []
        self.execution: Execution | None = None
        self.crash: BaseException | None = None
        self.cancelled = False
        self.owner: trio.lowlevel.Task

    def drive(self, campaign: "Generator[Execution, Outcome | None, None]") -> None:
        """Run each execution that ``campaign`` yields and send its outcome back.

        What a task or the campaign raises comes out as it is, Ctrl-C included.
        """
        trio.run(self.main, campaign)

    @enable_ki_protection
    async def main(self, campaign: "Generator[Execution, Outcome | None, None]") -> None:
        """Be the task that begins executions and waits for their end."""
        self.owner = current_task()
        outcome: Outcome | None = None
        try:
            async with trio.open_nursery() as nursery:
                try:
                    while self.crash is None:
                        execution = campaign.send(outcome)
                        outcome = await self.execute(execution, nursery)
                except StopIteration:
                    pass
                except trio.Cancelled:
                    raise
                except BaseException as crash:
                    # Kept, so that the nursery does not wrap it in a group.
                    self.crash = crash
                if self.execution is not None:
                    self.execution.owner = None  # nobody hands over any more
                nursery.cancel_scope.cancel()
            if self.crash is not None:
                raise self.crash
        finally:
            campaign.close()

    def discard_execution(self, _raise_cancel: Any) -> Abort:
        """Let a cancellation or Ctrl-C through to the owner: no actor hands over any more."""
        self.cancelled = True
        if self.execution is not None:
            self.execution.owner = None
        return Abort.SUCCEEDED

    async def execute(self, execution: Execution, nursery: trio.Nursery) -> Outcome | None:
        """Run one execution; None when its strategy had nothing left to try."""
        tasks = execution.tasks
        while len(self.actors) < len(tasks):
            # The new actor parks first, and hands control back before the next one is made.
            nursery.start_soon(self.actor, len(self.actors))
            await wait_task_rescheduled(self.discard_execution)
        if not execution.begin():
            return None
        self.execution = execution
        execution.owner = self.owner
        for task in tasks:
            task.thread = self.actors[task.index]
        reschedule(self.actors[0], end())
        await wait_task_rescheduled(self.discard_execution)
        return None if self.crash is not None else execution.outcome()

    @enable_ki_protection
    async def actor(self, index: int) -> None:
        """Run task ``index`` of one execution after the other."""
        self.actors.append(current_task())
        if not self.cancelled:
            reschedule(self.owner)
        while True:
            with suppress(EndOfExecution):
                await wait_task_rescheduled(discard)
            while True:
                execution = self.execution
                assert execution is not None
                task = execution.tasks[index]
                try:
                    await task.main(task)
                    self.hand_over(execution, execution.retire(task))
                except EndOfExecution:
                    continue
                except trio.Cancelled:
                    raise
                except BaseException as crash:
                    self.crash = crash
                    if execution.owner is not None:
                        reschedule(self.owner)
                break

    def hand_over(self, execution: Execution, chosen: Slot | None) -> None:
        """Let ``chosen`` go after a task has returned; the owner when nobody is left."""
        if execution.owner is None:
            return
        if execution.starting:
            assert chosen is not None
            reschedule(chosen.thread, end())
        elif chosen is not None:
            reschedule(chosen.thread)
        else:
            reschedule(self.owner)
