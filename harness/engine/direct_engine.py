"""The direct engine: the same tasks stepped in a plain loop, without Trio.

It exists for speed and as a check on the Trio engine; the two agree to the byte.
"""

from collections.abc import Coroutine, Generator
from contextlib import suppress
from types import coroutine as awaitable
from typing import Any, NoReturn

from harness.contract import Alternative, Guard, Op, Strategy
from harness.engine.execution import (
    EndOfExecution,
    Execution,
    ForeignAwaitError,
    Outcome,
    Slot,
    World,
)

__all__ = ["DirectEngine"]


class DirectTask(Slot):
    """A task of the direct engine."""

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
        execution = self.execution
        self.op = op
        self.guard = guard
        self.guard_reads = guard_reads
        self.wakes = guard_reads if wakes < 0 else wakes
        self.alt = alt
        if execution.advance(self) is not self:
            yield
        return execution.k


class DirectEngine:
    """Runs executions one after the other. ``name`` is what ``--engine`` says."""

    name = "direct"
    task_class: type[Slot] = DirectTask

    def drive(self, campaign: "Generator[Execution, Outcome | None, None]") -> None:
        """Run each execution that ``campaign`` yields and send its outcome back.

        What a task, a strategy or the campaign raises comes out as it is; the campaign is closed.
        """
        outcome: Outcome | None = None
        try:
            while True:
                execution = campaign.send(outcome)
                outcome = self.execute(execution)
        except StopIteration:
            return
        finally:
            campaign.close()

    def execute(self, execution: Execution) -> Outcome | None:
        """Run one execution and return its outcome; None if its strategy had nothing left to try.

        What a task or the strategy raises comes out as it is, once all tasks have been torn down.
        """
        if not execution.begin():
            return None
        tasks = execution.tasks
        coroutines = [t.main(t) for t in tasks]
        resume = [coroutine.send for coroutine in coroutines]
        for slot, coroutine in zip(tasks, coroutines, strict=True):
            slot.coroutine = coroutine
        finished = 0
        task: Slot | None = tasks[0]
        execution.chosen = task
        try:
            while task is not None:
                try:
                    resume[task.index](None)
                except StopIteration:
                    finished |= task.bit
                    execution.retire(task)
                except BaseException:
                    finished |= task.bit
                    raise
                if execution.chosen is task:
                    finished |= task.bit
                    refuse(task, coroutines[task.index])
                task = execution.chosen
            return execution.outcome()
        finally:
            for slot in tasks:
                if not slot.bit & finished:
                    try:
                        coroutines[slot.index].throw(EndOfExecution)
                    except (EndOfExecution, StopIteration):
                        continue


def refuse(task: Slot, coroutine: "Coroutine[Any, Any, None]") -> NoReturn:
    """End a task that parked and announced nothing, where it did so.

    Raises:
        ForeignAwaitError: always.

    """
    error = ForeignAwaitError(f"{task.name} awaits what is no step of a task")
    with suppress(StopIteration):
        coroutine.throw(error)
    raise error


def execute(world: World, strategy: Strategy) -> Outcome:
    """Run one execution of ``world`` under ``strategy`` and return its outcome.

    Raises:
        ValueError: the strategy had nothing left to try.

    """
    outcome = DirectEngine().execute(Execution(world, strategy))
    if outcome is None:
        raise ValueError("the strategy had nothing left to try")
    return outcome
