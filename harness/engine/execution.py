"""One execution: who may go, who goes, what was chosen, and when it is over.

Both engines share this class; they differ only in how control is handed to the chosen task. It
knows nothing of interrupts: the world it runs gives it tasks, facts and the questions to ask at
rest (:class:`World`).
"""

from collections.abc import Callable
from typing import Protocol

from harness.contract import ABANDON, Op, RunInfo, Strategy
from harness.engine.choice import Choice
from harness.engine.outcome import Limits, Outcome
from harness.engine.slot import CUT, DRAIN, IDLE_OP, NUDGED, SEARCH, Known, Main, Slot
from model.check.violation import Violation
from model.rules.windows import split

__all__ = [
    "EndOfExecution", "Execution", "ForeignAwaitError", "Limits", "Main", "Outcome", "Slot",
    "Violation", "World",
]  # fmt: skip


class EndOfExecution(BaseException):
    """Thrown into parked tasks when an execution is over; tasks never catch it."""


class ForeignAwaitError(Exception):
    """A task awaited something that is no step: a primitive of Trio's or of asyncio's."""


class World(Protocol):
    """What an execution needs to know of the thing it runs.

    ``failures`` are the violations seen so far; the first one ends the execution.
    """

    slots: tuple[Slot, ...]
    limits: Limits
    failures: list[Violation]

    def reset(self, execution: "Execution") -> None:
        """Go back to the initial state."""

    def at_rest(self) -> list[Violation]:
        """Name what is owed although no task can go: the "eventually" rules."""

    def at_bound(self) -> None:
        """Tell who gets nowhere although nothing comes to rest; it may be a violation."""

    def nudge(self) -> None:
        """Preempt every VCPU thread once, so that what was only late is told from what is lost."""

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        """Word the violations of the drain: late, or lost for good."""

    def reached(self) -> int:
        """Return the "sometimes" states of this execution as bits, by position in EVERY."""


class Execution:
    """The state of one execution; engines call :meth:`begin`, :meth:`advance`, :meth:`retire`.

    Args:
        world: what is run. Its tables of what was learnt of its tasks are kept for the next one.
        strategy: what makes the choices.

    ``observer`` is called with each task that was chosen and the operation it will perform.
    ``steps_only``, which a world may ask for, has the Trio engine refuse, as the other does, what a
    task awaits beside steps.

    """

    __slots__ = (
        "bound",
        "candidates",
        "choices",
        "chosen",
        "drained_from",
        "draws",
        "eager",
        "enabled",
        "every_step",
        "handovers",
        "k",
        "late",
        "limits",
        "observer",
        "phase",
        "starting",
        "steps",
        "steps_only",
        "strategy",
        "tasks",
        "watchers",
        "world",
        "writes",
    )

    def __init__(self, world: World, strategy: Strategy) -> None:
        self.world = world
        self.tasks = world.slots
        self.limits = world.limits
        self.strategy = strategy
        self.every_step = strategy.every_step
        known = Known.of(self.tasks)
        self.candidates = known.candidates
        self.watchers = known.watchers
        self.draws = known.draws
        self.observer: Callable[[Slot, Op], None] | None = None
        self.steps_only: bool = getattr(world, "steps_only", False)

    def begin(self) -> bool:
        """Reset world and strategy; return False when the strategy has nothing left."""
        self.choices: list[Choice] = []
        self.steps = 0
        self.handovers = 0
        self.enabled = 0
        self.writes = 0
        self.phase = SEARCH
        self.bound = ""
        self.k = 0
        self.late: list[Violation] = []
        self.drained_from = -1
        self.chosen: Slot | None = None
        self.starting = True
        self.eager = 0
        for index, slot in enumerate(self.tasks):
            slot.index = index
            slot.bit = 1 << index
            slot.execution = self
            slot.guard = None
            slot.guard_reads = slot.wakes = 0
            slot.alt = None
            slot.op = IDLE_OP
            if slot.eager:
                self.eager |= slot.bit
        self.world.reset(self)
        return self.strategy.begin(RunInfo(tasks=self.tasks, steps_max=self.limits.steps_max))

    def draw(self, name: str, k: int) -> int:
        """Ask the strategy for a number from 0 to ``k - 1``; outside its part it is 0, unrecorded.

        Raises:
            ValueError: the strategy's number is out of range, or ``name`` is not one word.

        """
        if self.phase != SEARCH:
            return 0
        n = self.strategy.draw(name, k)
        self.choices.append(self.draws[name, n, k])
        return n

    # -- scheduling points ---------------------------------------------------------------------

    def advance(self, task: Slot) -> Slot | None:
        """Take the announcement of ``task``, whose step is done, and choose who goes next.

        Returns the task that goes on, or None when the execution is over.
        """
        wakes = task.wakes
        watchers = self.watchers
        if wakes and wakes & ~watchers.reads[task.index]:
            watchers.learn(task)
        writes = self.writes
        enabled = self.enabled
        for t in watchers[writes]:  # as wake() does it, at once
            if t.wakes & writes:
                if t.guard():  # type: ignore[misc]  # it waits for nothing without a guard
                    enabled |= t.bit
                else:
                    enabled &= ~t.bit
        guard = task.guard
        if guard is None:
            enabled |= task.bit
        elif not wakes & writes:  # else it was asked just now, with the others
            if guard():
                enabled |= task.bit
            else:
                enabled &= ~task.bit
        self.enabled = enabled
        if self.starting:
            return self.start_next(task)
        return self.pick(task)

    def retire(self, task: Slot) -> Slot | None:
        """Note that ``task`` returned, and choose who goes next (as :meth:`advance`)."""
        task.guard = None
        task.guard_reads = task.wakes = 0
        self.enabled &= ~task.bit
        self.wake(self.watchers[self.writes], self.writes)
        if self.starting:
            return self.start_next(task)
        return self.pick(task)

    def start_next(self, task: Slot) -> Slot | None:
        """Start the tasks one after the other, in task order; then choose for the first time."""
        index = task.index + 1
        if index < len(self.tasks):
            self.chosen = self.tasks[index]
            return self.chosen
        self.starting = False
        return self.pick(None)

    def wake(self, tasks: tuple[Slot, ...], writes: int) -> None:
        """Re-evaluate the guards of ``tasks`` that read something written."""
        enabled = self.enabled
        for t in tasks:
            if t.wakes & writes:
                if t.guard():  # type: ignore[misc]  # it waits for nothing without a guard
                    enabled |= t.bit
                else:
                    enabled &= ~t.bit
        self.enabled = enabled

    def pick(self, current: Slot | None) -> Slot | None:
        """Choose the next task and account for its step; None when the execution is over."""
        enabled = self.enabled
        if self.world.failures or self.phase != SEARCH or enabled & self.eager:
            return self.pick_slowly(current)
        candidates = self.candidates[enabled]
        if self.steps >= self.limits.steps_max and candidates:
            # Before the strategy is asked: a replay has no choice left here and would abandon.
            self.bound = "steps"
            return self.pick_slowly(current, drain=True)
        if len(candidates) > 1 or (candidates and self.every_step):
            chosen = self.strategy.choose(candidates, self.tasks, current)
            if chosen is ABANDON:
                return self.pick_slowly(current, drain=True)
            # A strategy answers with one of the candidates, which are slots.
            task: Slot = chosen  # type: ignore[assignment]
        elif candidates:
            task = candidates[0]
        else:
            return self.pick_slowly(current, drain=True)
        self.choices.append(task.turn)
        self.steps += 1
        alt = task.alt
        if alt is not None and alt[1]():
            self.k = 1
            op = alt[0]
        else:
            self.k = 0
            op = task.op
        self.writes = op.writes
        if self.observer is not None:
            self.observer(task, op)
        if task is not current:
            self.handovers += 1
        self.chosen = task
        return task

    # -- failure, drain and end ----------------------------------------------------------------

    def pick_slowly(self, current: Slot | None, *, drain: bool = False) -> Slot | None:
        """Choose outside the strategy's part: stop on a failure, else drain round-robin."""
        if self.world.failures or self.phase == CUT:
            self.finish()
            return None
        eager = self.enabled & self.eager
        if eager and self.steps >= self.limits.steps_max + self.limits.drain_steps_max:
            self.bound = "steps"
            self.finish()
            return None
        if eager:
            # A consequence that this scenario folds into the step that caused it: no choice.
            return self.go(self.tasks[(eager & -eager).bit_length() - 1])
        if self.phase == SEARCH:
            assert drain
            self.phase = DRAIN
            self.drained_from = self.steps
        while True:
            task = self.round_robin(current)
            if task is not None:
                break
            if self.phase == DRAIN:
                self.late = self.world.at_rest()
                if not self.late:
                    self.finish()
                    return None
                self.phase = NUDGED
                self.world.nudge()
                self.wake(self.tasks, -1)
                continue
            lost = self.world.at_rest()
            self.world.failures.extend(self.world.settle(self.late, lost))
            self.finish()
            return None
        if self.steps - self.drained_from >= self.limits.drain_steps_max:
            self.world.at_bound()
            self.bound = "" if self.world.failures else "drain"
            self.finish()
            return None
        return self.go(task)

    def go(self, task: Slot) -> Slot:
        """Let ``task`` make a step that is not the strategy's choice."""
        self.steps += 1
        alt = task.alt
        self.k = 1 if alt is not None and alt[1]() else 0
        op = alt[0] if alt is not None and self.k else task.op
        self.writes = op.writes
        if self.observer is not None:
            self.observer(task, op)
        self.chosen = task
        return task

    def round_robin(self, current: Slot | None) -> Slot | None:
        """Return the next enabled task after ``current``, optional stimuli left out."""
        tasks = self.tasks
        first = 0 if current is None else current.index + 1
        for i in range(len(tasks)):
            task = tasks[(first + i) % len(tasks)]
            if task.bit & self.enabled and not task.optional:
                return task
        return None

    def cut(self, bound: str) -> None:
        """End the execution at the next scheduling point: the world has reached ``bound``."""
        self.bound = bound
        self.phase = CUT

    def finish(self) -> None:
        """Let nobody go any more; the verdict is taken before any task is torn down."""
        self.chosen = None

    def outcome(self) -> Outcome:
        """Return what this execution came to, and tell the strategy."""
        reached, windows = split(self.world.reached())
        outcome = Outcome(
            steps=self.steps,
            handovers=self.handovers,
            choices=self.choices,
            violations=list(self.world.failures),
            bound=self.bound,
            reached=reached,
            drained_from=self.drained_from,
            windows=windows,
        )
        self.strategy.end(outcome)
        return outcome
