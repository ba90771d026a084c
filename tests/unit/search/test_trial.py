"""Trials: what was recorded comes again, what does not fit is left out, and how they go on."""

from functools import cache

import pytest

from harness.engine.choice import StepOf
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome, Slot
from harness.search.case import Case
from harness.search.follow import CUT, DRAIN, END, RANDOM, Follow
from harness.search.order import CALM, STAY
from harness.search.plan import Block, Plan
from harness.search.same import is_same
from harness.search.trial import Stage
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from tests.unit.engine.tiny import STEP, TinyWorld, made


@cache
def failing(variant: str = "v4.14+1") -> tuple[RunSpec, Outcome]:
    """The first failing execution of a patch of the museum."""
    spec = RunSpec.make("migrate", variant)
    world = spec.build(DirectEngine.task_class)
    for seed in range(100):
        outcome = DirectEngine().execute(Execution(world, RandomWalk(seed)))
        assert outcome is not None
        if outcome.violations:
            return spec, outcome
    raise AssertionError("nothing found")


def tiny(*names: str, optional: str = "") -> Stage:
    """Tasks a, b, ... that make these many steps each."""

    async def some(task: Slot, steps: int) -> None:
        for _ in range(steps):
            await task.step(STEP)

    mains = [lambda task, n=n: some(task, int(n)) for n in names]
    return Stage(TinyWorld(DirectEngine(), *mains, optional=optional))


def test_what_was_recorded_comes_again() -> None:
    spec, outcome = failing()
    stage = Stage.of(Case.of(spec))
    trial = stage.run(outcome.choices)
    assert trial.outcome == outcome
    assert trial.skipped == 0
    assert stage.run(trial.plan).outcome == outcome
    assert trial.plan.steps == trial.measure.steps
    assert is_same(outcome.violations[0], trial.violation)
    assert (stage.cost.runs, stage.cost.steps) == (2, 2 * outcome.steps)


def test_what_is_done_behind_a_part_comes_again() -> None:
    spec, outcome = failing()
    stage = Stage.of(Case.of(spec))
    for then in (CALM, STAY, RANDOM, DRAIN):
        part = stage.run(outcome.choices[:60], then, seed=5)
        assert stage.run(part.choices, DRAIN).outcome == part.outcome


def test_a_cut_makes_no_further_step() -> None:
    spec, outcome = failing()
    trial = Stage.of(Case.of(spec)).run(outcome.choices[:60], CUT)
    assert trial.choices == tuple(outcome.choices[:60])
    assert (trial.outcome.bound, trial.outcome.drained_from) == (END, -1)


def test_misfits_are_left_out() -> None:
    trial = tiny("2", "1").run([StepOf(task) for task in "zabba"], CUT)
    assert made(trial.outcome) == ["a", "b", "a"]
    assert trial.skipped == 2


def test_a_block_ends_where_its_task_was_left() -> None:
    spec, _ = failing()
    stage = Stage.of(Case.of(spec))
    plan = Plan((Block("v0", 1, "vgic_load"),))
    trial = stage.run(plan, CUT, aligned=True, watched=True)
    assert len(trial.steps) > 1
    assert trial.plan.blocks == (Block("v0", len(trial.steps), "vgic_load"),)
    following = stage.run(Plan((Block("v0", len(trial.steps) + 1),)), CUT, watched=True)
    assert following.steps[-1].op.name == "vgic_load"


def test_the_orders_never_let_a_stimulus_come() -> None:
    for then in (CALM, STAY):
        assert made(tiny("2", "1", "1", optional="b").run([], then).outcome) == ["a", "a", "c"]


def test_departures_are_counted() -> None:
    trial = tiny("2", "2").run([StepOf(task) for task in "abab"])
    assert trial.departures == (2, 3)
    assert (trial.measure.switches, trial.measure.preemptive) == (3, 2)


def test_steps_are_those_of_the_drain_too() -> None:
    trial = tiny("2", "2").run([StepOf("a")], DRAIN, watched=True)
    assert [(ran.step, ran.task) for ran in trial.steps] == [(1, "a"), (2, "b"), (3, "a"), (4, "b")]
    assert trial.measure.switches == 0
    assert trial.tasks == ["a"]
    with pytest.raises(ValueError, match="not watched"):
        _ = tiny("1").run([]).steps


def test_states_tell_executions_apart() -> None:
    stage = Stage.of(Case.of(RunSpec.make("timer-wfi", "v7.2")))

    class Keys(Follow):
        seen: list[object]

        def planned(self, mask: int) -> Slot | None:
            self.seen.append(stage.state(self.execution))
            return super().planned(mask)

    seen: list[list[object]] = []
    for then in (CALM, CALM, STAY):
        follow = Keys(stage, Plan(), then)
        follow.seen = []
        stage.follow(follow)
        seen.append(follow.seen)
    assert seen[0] == seen[1] != seen[2]
    assert len(set(seen[0])) == len(seen[0])
