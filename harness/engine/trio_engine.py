"""The Trio engine: every actor a Trio task of its own, parked at each scheduling point.

The task that parks chooses who goes next and reschedules it itself, so there is no controller
task, and no hand-over at all when the same task goes on. Trio's own order decides nothing: at any
moment at most one actor is runnable. Actors are persistent: at the end of an execution each one is
thrown out of where it was parked and, in the same resumption, starts its part of the next.

The engine is a citizen of the caller's Trio program (:meth:`TrioEngine.run`). Trio runs every ready
task once per batch, so a sibling gets its turn at each hand-over; a task that goes on alone hands
over to Trio after :data:`ALONE_MAX` steps. Neither changes what happens in the execution.
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from types import coroutine as awaitable
from typing import Any

import outcome as outcomes
import trio
from trio.lowlevel import (
    Abort,
    cancel_shielded_checkpoint,
    current_task,
    enable_ki_protection,
    reschedule,
    wait_task_rescheduled,
)

from harness.contract import Alternative, Guard, Op
from harness.engine.execution import (
    EndOfExecution,
    Execution,
    ForeignAwaitError,
    Main,
    Outcome,
    Slot,
)
from model.identity import Actor

__all__ = ["ALONE_MAX", "TrioEngine"]

ALONE_MAX = 256
"""After how many steps without a hand-over siblings get a turn (about two milliseconds)."""

Campaign = Generator[Execution, Outcome | None, None]


class TrioTask(Slot):
    """A task of the Trio engine, and the ``troupe`` that runs it (None: nobody does)."""

    __slots__ = ("troupe",)

    def __init__(self, name: str, actor: Actor, main: Main, *, optional: bool = False) -> None:
        super().__init__(name, actor, main, optional=optional)
        self.troupe: Troupe | None = None

    async def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
        wakes: int = -1,
    ) -> int:
        """Announce and park; see ``contract.Task.step``."""
        execution = self.execution
        self.op = op
        self.guard = guard
        self.guard_reads = guard_reads
        self.wakes = guard_reads if wakes < 0 else wakes
        self.alt = alt
        chosen = execution.advance(self)
        troupe = self.troupe
        assert troupe is not None
        if chosen is not self:
            if chosen is not None and troupe.going and not execution.starting:
                reschedule(troupe.actors[chosen.index])  # as hand_over does it, at once
            else:
                troupe.hand_over(chosen)
            await wait_task_rescheduled(troupe.abort)
        else:
            troupe.alone += 1
            if troupe.alone >= ALONE_MAX:
                await troupe.let_others_run()
        return execution.k


def end() -> outcomes.Error:
    """Return what throws a task out of the execution before; it then starts the next one."""
    return outcomes.Error(EndOfExecution())


class TrioEngine:
    """Runs executions as Trio tasks. ``name`` is what ``--engine`` says.

    The object itself keeps nothing: it can run one campaign after another, after a cancellation
    or a crash as well, and several at once, as long as each has a world of its own.
    """

    name = "trio"
    task_class: type[Slot] = TrioTask

    def drive(self, campaign: Campaign) -> None:
        """Run each execution that ``campaign`` yields and send its outcome back, in a Trio run.

        What a task, a strategy or the campaign raises comes out as it is, Ctrl-C included; the
        campaign is closed.
        """
        trio.run(self.run, campaign)

    @enable_ki_protection
    async def run(self, campaign: Campaign) -> None:
        """Do as :meth:`drive` within the caller's Trio program.

        A cancellation discards the execution in progress, closes the campaign, and comes out as
        ``trio.Cancelled``. No actor outlives the call.

        Raises:
            RuntimeError: a world of the campaign is being run already.

        """
        try:
            await Troupe().run(campaign)
        finally:
            campaign.close()

    async def execute(self, execution: Execution) -> Outcome | None:
        """Run one execution within the caller's Trio program and return its outcome.

        Returns None if its strategy had nothing left to try. It makes its actors anew each time;
        :meth:`run` keeps them for all executions of a campaign.
        """
        outcomes_: list[Outcome | None] = []

        def once() -> Campaign:
            outcomes_.append((yield execution))

        await self.run(once())
        return outcomes_[0]


class Troupe:
    """The actors of one run of a campaign, and the task that begins executions: their owner.

    Not ``going`` says that the run is being cancelled: everybody is thrown out of where it parks,
    so nobody may be rescheduled any more. ``alone`` counts steps without a hand-over; ``resting``
    says that it is the engine that has just let others run.
    """

    def __init__(self) -> None:
        self.owner = current_task()
        self.actors: list[trio.lowlevel.Task] = []
        self.tasks: tuple[Slot, ...] = ()
        self.claimed: list[TrioTask] = []
        self.execution: Execution | None = None
        self.crash: BaseException | None = None
        self.going = True
        self.abort = self.discard  # bound once, as every hand-over needs it
        self.alone = 0
        self.resting = False

    async def run(self, campaign: Campaign) -> None:
        """Run the executions of ``campaign``, with a nursery for the actors around them.

        Raises:
            BaseException: what the campaign or an actor raised, as it was raised.

        """
        try:
            async with trio.open_nursery() as nursery:
                try:
                    await self.run_all(campaign, nursery)
                except trio.Cancelled:
                    raise
                except BaseException as crash:
                    # Kept, so that the nursery does not wrap it in a group.
                    self.crash = crash
                self.going = False
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            if self.crash is None:
                self.crash = single(group)
        finally:
            self.claim(())
        if self.crash is not None:
            raise self.crash

    async def run_all(self, campaign: Campaign, nursery: trio.Nursery) -> None:
        """Run each execution that ``campaign`` yields, until an actor crashes."""
        outcome: Outcome | None = None
        while self.crash is None:
            try:
                execution = campaign.send(outcome)
            except StopIteration:
                return
            outcome = await self.execute(execution, nursery)

    async def execute(self, execution: Execution, nursery: trio.Nursery) -> Outcome | None:
        """Run one execution; None when its strategy had nothing left to try."""
        tasks = execution.tasks
        if tasks is not self.tasks:
            self.claim(tasks)
        while len(self.actors) < len(tasks):
            # The new actor parks first, and hands control back before the next one is made.
            nursery.start_soon(self.act, len(self.actors))
            await wait_task_rescheduled(self.abort)
        if not execution.begin():
            return None
        self.execution = execution
        if self.going:  # else the actors were told first, and this task is next
            reschedule(self.actors[0], end())
        await wait_task_rescheduled(self.abort)
        return None if self.crash is not None else execution.outcome()

    def claim(self, tasks: tuple[Slot, ...]) -> None:
        """Take ``tasks`` for this run, and let go of those of the world before.

        Raises:
            RuntimeError: another run has them.
            TypeError: they are another engine's.

        """
        for task in self.claimed:
            task.troupe = None
        self.tasks, self.claimed = (), []
        for slot in tasks:
            if not isinstance(slot, TrioTask):
                raise TypeError(f"task {slot.name} was built for another engine, not for Trio's")
            if slot.troupe is not None:
                raise RuntimeError("this world is being run already; each run needs its own")
            slot.troupe = self
            self.claimed.append(slot)
        self.tasks = tasks

    def discard(self, _raise_cancel: object) -> Abort:
        """Let a cancellation or Ctrl-C through to who is parked; nobody hands over any more."""
        self.going = False
        return Abort.SUCCEEDED

    @enable_ki_protection
    async def act(self, index: int) -> None:
        """Run task ``index`` of one execution after the other."""
        self.actors.append(current_task())
        self.hand_back()
        while True:
            with suppress(EndOfExecution):
                await wait_task_rescheduled(self.abort)
            while True:
                execution = self.execution
                assert execution is not None
                task = execution.tasks[index]
                try:
                    task.coroutine = task.main(task)
                    await (
                        steps_of(task, self, execution) if execution.steps_only else task.coroutine
                    )
                    self.hand_over(execution.retire(task))
                except EndOfExecution:
                    continue
                except trio.Cancelled:
                    raise
                except BaseException as crash:
                    if self.crash is None:
                        self.crash = crash
                    self.hand_back()
                break

    def hand_over(self, chosen: Slot | None) -> None:
        """Let ``chosen`` go, or the owner when the execution is over."""
        if not self.going:
            return
        if chosen is None:
            reschedule(self.owner)
        elif self.execution.starting:  # type: ignore[union-attr]  # there is one
            # Not started yet: thrown out of the execution before, it starts at once.
            reschedule(self.actors[chosen.index], end())
        else:
            reschedule(self.actors[chosen.index])

    def hand_back(self) -> None:
        """Let the owner go on."""
        if self.going:
            reschedule(self.owner)

    async def let_others_run(self) -> None:
        """Hand over to the rest of the program, and learn of a cancellation."""
        self.alone = 0
        self.resting = True
        await cancel_shielded_checkpoint()
        if not self.going:
            await wait_task_rescheduled(self.abort)


@awaitable
def steps_of(task: Slot, troupe: Troupe, execution: Execution) -> Generator[Any, Any, None]:
    """Run a task whose code may await anything, and let it await nothing but steps.

    Raises:
        ForeignAwaitError: it parked, and announced nothing; that is told where it did so.

    """
    coroutine = task.coroutine
    assert coroutine is not None
    resume: Callable[[Any], Any] = coroutine.send
    value: Any = None
    while True:
        try:
            trap = resume(value)
        except StopIteration:
            return
        if execution.chosen is task and not troupe.resting:
            error = ForeignAwaitError(f"{task.name} awaits what is no step of a task")
            with suppress(StopIteration):
                coroutine.throw(error)
            raise error
        troupe.resting = False
        resume = coroutine.send
        try:
            value = yield trap
        except BaseException as thrown:
            resume, value = coroutine.throw, thrown


def single(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one exception that a nursery's group stands for.

    Actors keep their crashes, so it holds Cancelled several times over, and what interrupted it.
    """
    cancelled, other = group.split(trio.Cancelled)
    found: BaseException | None = cancelled if other is None else other
    while isinstance(found, BaseExceptionGroup) and (other is None or len(found.exceptions) == 1):
        found = found.exceptions[0]
    return group if found is None else found
