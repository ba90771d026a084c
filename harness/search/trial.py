"""A trial: a case run under a plan, what does not fit left out, and what came of it.

Everything that looks into a failure (shrinking it, explaining it, sorting failures into buckets)
asks the same question again and again: what happens if it is run like this? A :class:`Stage` builds
the world of a case once and answers it, on the direct engine.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property

import msgspec

from harness.contract import Op
from harness.engine.choice import Choice, StepOf
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome, Slot, World
from harness.engine.position import positions
from harness.search.case import Case
from harness.search.follow import Follow
from harness.search.order import CALM, Order
from harness.search.plan import Block, Plan
from model.check.rule import Rule
from model.check.violation import Violation
from model.identity import Actor

__all__ = ["Cost", "Measure", "Ran", "Stage", "Trial"]


class Cost(msgspec.Struct):
    """What trials cost so far, in executions and in steps: counted, never timed."""

    runs: int = 0
    steps: int = 0


class Ran(msgspec.Struct, frozen=True, gc=False):
    """A step that was made: its number, from 1, and who made which operation.

    ``task`` is the actor's short name in schedules.
    """

    step: int
    task: str
    actor: Actor
    op: Op


class Measure(msgspec.Struct, frozen=True, order=True):
    """How long a story is.

    Attributes:
        steps: all steps, those of the drain with them.
        switches: how often a step is another task's than the one before it, drain apart.
        preemptive: how many of these leave a task that could have gone on.
        departures: how many steps are not those of the default order, drain apart.

    """

    steps: int
    switches: int
    preemptive: int
    departures: int

    @property
    def score(self) -> int:
        """One number for all of it; less is better."""
        return self.steps + 4 * self.switches + 4 * self.preemptive


class Trial:
    """What came of a trial: how it ended, what was done, and how long it is.

    Args:
        outcome: how it ended, with the choices that were really made.
        follow: the strategy that made them.
        ran: the tasks and operations of all steps, if they were watched.

    """

    def __init__(
        self, outcome: Outcome, follow: Follow, ran: Sequence[tuple[Slot, Op]] | None
    ) -> None:
        self.outcome = outcome
        self.made = follow.made
        self.defaults = follow.defaults
        self.lefts = follow.lefts
        self.starts = follow.starts
        self.drawn = follow.drawn
        self.skipped = follow.skipped
        self.preemptive = follow.preemptive
        self.kept = follow.kept
        self.departed = follow.departed
        self.then = follow.then
        self.ran = ran

    @property
    def violation(self) -> Violation | None:
        """The first rule that was broken, by which an execution is judged."""
        return self.outcome.violations[0] if self.outcome.violations else None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The choices that were really made: run again they give the same execution."""
        return tuple(self.outcome.choices)

    def choices_to(self, steps: int) -> tuple[Choice, ...]:
        """Return the choices of the first so many steps, with the draws in them."""
        made = 0
        for n, choice in enumerate(self.outcome.choices):
            made += isinstance(choice, StepOf)
            if made > steps:
                return tuple(self.outcome.choices[:n])
        return self.choices

    @property
    def tasks(self) -> list[str]:
        """Whose each step is, drain apart: short names, in order."""
        return [slot.name for slot in self.made]

    @cached_property
    def steps(self) -> tuple[Ran, ...]:
        """All steps, those of the drain with them.

        Raises:
            ValueError: they were not watched.

        """
        if self.ran is None:
            raise ValueError("the steps of this trial were not watched")
        return tuple(Ran(n, t.name, t.actor, op) for n, (t, op) in enumerate(self.ran, 1))

    @cached_property
    def counted(self) -> Plan:
        """What was done, each block with how often it came to where it left its task.

        Raises:
            ValueError: the steps were not watched.

        """
        ops = [ran.op.name for ran in self.steps]
        blocks = []
        for start, block in zip(self.starts, self.plan.blocks, strict=True):
            came = ops[start + 1 : start + block.count].count(block.until) + 1
            blocks.append(Block(block.task, block.count, block.until, came))
        return Plan(tuple(blocks), self.plan.draws)

    @cached_property
    def departures(self) -> tuple[int, ...]:
        """The numbers, from 1, of the steps that are not those of the default order."""
        pairs = zip(self.made, self.defaults, strict=True)
        return tuple(n for n, (made, default) in enumerate(pairs, 1) if made is not default)

    @cached_property
    def plan(self) -> Plan:
        """What was done, as a plan that can be changed."""
        ends = [*self.starts[1:], len(self.made)][: len(self.starts)]
        blocks = tuple(
            Block(self.made[start].name, end - start, left)
            for start, end, left in zip(self.starts, ends, self.lefts, strict=True)
        )
        draws = tuple((task, name, tuple(n)) for (task, name), n in self.drawn.items())
        return Plan(blocks, draws)

    @cached_property
    def core(self) -> Plan:
        """What of it is needed: behind this part it goes on by itself, as ``then`` says."""
        blocks = []
        for start, block in zip(self.starts, self.plan.blocks, strict=True):
            if start >= self.kept:
                break
            if start + block.count > self.kept:
                block = Block(block.task, self.kept - start)  # noqa: PLW2901  # the part of it
            blocks.append(block)
        return Plan(tuple(blocks), self.plan.draws)

    @cached_property
    def measure(self) -> Measure:
        """How long it is; departures are those from the stage's default order."""
        return Measure(
            steps=self.outcome.steps,
            switches=max(len(self.starts) - 1, 0),
            preemptive=self.preemptive,
            departures=len(self.departures),
        )


class Stage:
    """A world, built once, and trials of it.

    Args:
        world: what is run, with tasks of the direct engine.
        order: the order from which departures are counted, CALM or STAY.
        cost: is added to with each trial.
        key: returns the state of the world as one value (:meth:`state` adds where its tasks are).

    """

    def __init__(
        self,
        world: World,
        *,
        order: str = CALM,
        cost: Cost | None = None,
        key: Callable[[], Hashable] = tuple,
    ) -> None:
        self.world = world
        self.slots = world.slots
        self.named = {slot.name: slot for slot in self.slots}
        self.order = Order(order, self.slots)
        self.cost = Cost() if cost is None else cost
        self.key = key
        self.rules: Sequence[Rule] = ()
        self.weary: Callable[[], bool] | None = None
        """Asked before each step whether enough was seen: then the trial is over."""
        self.engine = DirectEngine()

    @classmethod
    def of(
        cls,
        case: Case,
        *,
        rules: frozenset[str] | None = None,
        variant: str = "",
        order: str = CALM,
        cost: Cost | None = None,
    ) -> "Stage":
        """Return the stage of a case.

        Args:
            case: what is run.
            rules: the ids of the rules that are checked; None: all that hold.
            variant: runs another variant over the same scenario ("": the case's own).
            order: as for the class.
            cost: as for the class.

        Raises:
            UsageError: the variant cannot be had.

        """
        world = case.world(DirectEngine.task_class, rules=rules, variant=variant)
        machine, checker = world.machine, world.checker
        stage = cls(world, order=order, cost=cost, key=lambda: (machine.key(), checker.key()))
        stage.rules = checker.rules
        return stage

    def run(
        self,
        plan: Plan | Sequence[Choice],
        then: str = CALM,
        *,
        aligned: bool = False,
        seed: int = 0,
        watched: bool = False,
    ) -> Trial:
        """Run one execution.

        Args:
            plan: what is done first.
            then: how it goes on. In an order (CALM, STAY) until only optional tasks could go;
                RANDOM, until none can; DRAIN: not by any choice. Then the engine drains. With CUT
                it is over behind the plan, without a drain.
            aligned: whether blocks end where their task was left, not after so many steps.
            seed: of RANDOM.
            watched: whether ``steps`` of the trial, with their operations, is wanted.

        """
        if not isinstance(plan, Plan):
            plan = Plan.of(plan)
        return self.follow(Follow(self, plan, then, aligned=aligned, seed=seed), watched=watched)

    def follow(self, follow: Follow, *, watched: bool = False) -> Trial:
        """Run one execution under a strategy of this kind (as :meth:`run`)."""
        execution = Execution(self.world, follow)
        follow.execution = execution
        ran: list[tuple[Slot, Op]] | None = None
        if watched:
            ran = []
            note = ran.append
            execution.observer = lambda slot, op: note((slot, op))
        outcome = self.engine.execute(execution)
        assert outcome is not None  # it never has nothing left to try
        self.cost.runs += 1
        self.cost.steps += outcome.steps
        return Trial(outcome, follow, ran)

    def state(self, execution: Execution) -> Hashable:
        """Return the whole state of an execution that is choosing who goes next, as one value.

        Equal ones go on alike under the same choices; the engine's drain, which goes on behind the
        task that made the last step, may still differ. Only a strategy may ask, from ``choose``.

        Raises:
            PositionError: a task of the variant remembers what no position can hold.

        """
        return self.key(), positions(execution), self.order.state
