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
from trio.lowlevel import Abort, current_task, reschedule, wait_task_rescheduled

from harness.contract import Alternative, Guard, Op
from harness.engine.execution import EndOfExecution, Execution, Outcome, Slot

__all__ = ["TrioEngine"]


def discard(_raise_cancel: Any) -> Abort:
    """Let an outside cancellation through: it discards the execution in progress."""
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
            if execution.starting:
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
        self.owner: trio.lowlevel.Task

    def drive(self, campaign: "Generator[Execution, Outcome | None, None]") -> None:
        """Run each execution that ``campaign`` yields and send its outcome back."""
        trio.run(self.main, campaign)

    async def main(self, campaign: "Generator[Execution, Outcome | None, None]") -> None:
        """Be the task that begins executions and waits for their end."""
        self.owner = current_task()
        outcome: Outcome | None = None
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    try:
                        execution = campaign.send(outcome)
                    except StopIteration:
                        break
                    outcome = await self.execute(execution, nursery)
                    if self.crash is not None:
                        break
                nursery.cancel_scope.cancel()
            if self.crash is not None:
                raise self.crash
        finally:
            campaign.close()

    async def execute(self, execution: Execution, nursery: trio.Nursery) -> Outcome | None:
        """Run one execution; None when its strategy had nothing left to try."""
        tasks = execution.tasks
        while len(self.actors) < len(tasks):
            # The new actor parks first, and hands control back before the next one is made.
            nursery.start_soon(self.actor, len(self.actors))
            await wait_task_rescheduled(discard)
        if not execution.begin():
            return None
        self.execution = execution
        execution.owner = self.owner
        for task in tasks:
            task.thread = self.actors[task.index]
        reschedule(self.actors[0], end())
        await wait_task_rescheduled(discard)
        return None if self.crash is not None else execution.outcome()

    async def actor(self, index: int) -> None:
        """Run task ``index`` of one execution after the other."""
        self.actors.append(current_task())
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
                except EndOfExecution:
                    continue
                except trio.Cancelled:
                    raise
                except BaseException as crash:
                    self.crash = crash
                    reschedule(self.owner)
                    break
                self.hand_over(execution, execution.retire(task))
                break

    def hand_over(self, execution: Execution, chosen: Slot | None) -> None:
        """Let ``chosen`` go after a task has returned; the owner when nobody is left."""
        if execution.starting:
            assert chosen is not None
            reschedule(chosen.thread, end())
        elif chosen is not None:
            reschedule(chosen.thread)
        else:
            reschedule(self.owner)
