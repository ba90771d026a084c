"""Both engines run the same task files to the same end, choice by choice and state by state."""

from typing import Any

import pytest

from harness.contract import Strategy
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.engine.trio_engine import TrioEngine
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.replay import Replay
from harness.strategies.round_robin import RoundRobin
from tests.race.running import strategy
from tests.unit.engine.tiny import AnyEngine

SCHEDULES = 8
VARIANTS = ["v4.14", "v7.2", "v4.14+23", "v7.2+bound-3", "v4.14+4"]
End = tuple[Outcome, tuple[object, ...]]


def ends(engine: AnyEngine, spec: RunSpec, strategies: list[Strategy]) -> list[End]:
    """How each execution ended, and the whole machine at that moment."""
    world = spec.build(engine.task_class)
    found: list[End] = []

    def campaign() -> Any:
        for each in strategies:
            outcome = yield Execution(world, each)
            found.append((outcome, world.machine.key()))

    engine.drive(campaign())
    return found


def strategies() -> list[Strategy]:
    return [RoundRobin(), RoundRobin(5), *(strategy(i) for i in range(SCHEDULES))]


@pytest.mark.parametrize("scenario", builtin_names())
@pytest.mark.parametrize("variant", VARIANTS)
def test_same_outcomes(scenario: str, variant: str) -> None:
    spec = RunSpec.make(scenario, variant)
    direct = ends(DirectEngine(), spec, strategies())
    assert direct == ends(TrioEngine(), spec, strategies())
    assert len({tuple(outcome.choices) for outcome, _ in direct}) > SCHEDULES // 2


@pytest.mark.parametrize(
    "knobs",
    [
        {"gic_messages": "synchronous"},
        {"gic_messages": "lagging"},
        {"gic_version": "2", "eoimode": "1"},
        {"steps_max": "60"},
    ],
    ids=str,
)
def test_same_outcomes_under_knobs(knobs: dict[str, str]) -> None:
    spec = RunSpec.make("migrate", "v7.2", knobs=knobs)
    assert ends(DirectEngine(), spec, strategies()) == ends(TrioEngine(), spec, strategies())


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_schedule_of_one_engine_replays_on_the_other(variant: str) -> None:
    spec = RunSpec.make("timer-busy", variant)
    recorded = ends(DirectEngine(), spec, strategies())
    replays = [Replay(outcome.choices) for outcome, _ in recorded]
    assert ends(TrioEngine(), spec, list(replays)) == recorded
    assert [replay.divergence for replay in replays] == [None] * len(replays)
