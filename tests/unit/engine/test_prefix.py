"""Blind replay of a prefix: it must come to the state that the execution itself was in there."""

from collections.abc import Generator

import pytest

from harness.contract import Op
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome, Slot
from harness.engine.prefix import PrefixExecution
from harness.engine.slot import SEARCH
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from model.facts import KINDS
from tests.unit.engine.tiny import ENGINES, AnyEngine

SEED, STRIDE = 5, 13


def run(engine_class: type[AnyEngine], execution: Execution) -> Outcome:
    outcomes: list[Outcome] = []

    def campaign() -> Generator[Execution, Outcome | None, None]:
        outcome = yield execution
        assert outcome is not None
        outcomes.append(outcome)

    engine_class().drive(campaign())
    return outcomes[0]


@pytest.mark.parametrize("scenario", builtin_names())
@pytest.mark.parametrize("era", [pytest.param("v4.14", marks=pytest.mark.long), "v7.2"])
@pytest.mark.parametrize("engine_class", ENGINES, ids=lambda e: e.name)
def test_state_after_a_prefix(engine_class: type[AnyEngine], era: str, scenario: str) -> None:
    spec = RunSpec.make(scenario, era)
    world = spec.build(DirectEngine.task_class)
    execution = Execution(world, RandomWalk(SEED))
    states: list[tuple[int, int, object]] = []

    def look(_task: Slot, _op: Op) -> None:
        # The choice of this step is made, the step itself is not.
        if execution.phase == SEARCH:
            choices, steps = len(execution.choices) - 1, execution.steps - 1
            states.append((choices, steps, world.machine.key()))

    execution.observer = look
    recorded = run(DirectEngine, execution)
    assert states

    blind = spec.build(engine_class.task_class, frozenset())
    blind.mute()
    for choices, steps, key in states[::STRIDE]:
        outcome = run(engine_class, PrefixExecution(blind, recorded.choices[:choices]))
        assert blind.machine.key() == key
        assert (outcome.steps, outcome.violations) == (steps, [])


def test_nobody_hears_a_muted_world() -> None:
    world = RunSpec.make("timer-wfi", "v7.2").build(DirectEngine.task_class)
    heard: list[object] = []
    world.subscribe(dict.fromkeys(KINDS.values(), heard.append))
    run(DirectEngine, Execution(world, RandomWalk(SEED)))
    assert heard
    heard.clear()
    world.mute()
    run(DirectEngine, Execution(world, RandomWalk(SEED)))
    assert heard == []
