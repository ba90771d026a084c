"""Stimuli for what hardly ever comes by itself: each is reached, and not without its option."""

from pathlib import Path

import msgspec
import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.errors import UsageError
from harness.scenarios.schema import load_builtin, parse
from harness.scenarios.writer import to_toml
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.variants import resolve_variant
from harness.world import VgicWorld
from model import facts
from model.guest import TARGET
from model.rules.sometimes import NAMES
from model.rules.state_names import STIMULI
from model.rules.windows import EVERY
from tests.race.running import strategy, world_of

RARE = "window handler-saved"
WITHIN = [
    ("sleepers", "v7.2", "preempted while about to sleep", 40),
    ("sleepers", "v4.14", "woken on another CPU", 40),
    ("sleepers", "v7.2", "an SPI was routed while it rose", 40),
    ("remote", "v4.14", "another VCPU's active state was written", 20),
    ("senders", "v7.2", "one SGI of two senders", 20),
    ("overflow", "v7.2", "pending and active outside the List Registers", 60),
    pytest.param("leaving", "v7.2", RARE, 1500, marks=pytest.mark.long),
]


def comes(world: VgicWorld, state: str, seeds: int) -> bool:
    """Tell whether a state comes in so many random executions, all of them clean."""
    bit = 1 << EVERY.index(state)
    for seed in range(seeds):
        outcome = DirectEngine().execute(Execution(world, strategy(seed)))
        assert outcome is not None
        assert (outcome.violations, outcome.bound) == ([], "")
        if (outcome.reached | outcome.windows << len(NAMES)) & bit:
            return True
    return False


@pytest.mark.parametrize(("scenario", "era", "state", "seeds"), WITHIN)
def test_each_is_reached(scenario: str, era: str, state: str, seeds: int) -> None:
    assert comes(world_of(scenario, resolve_variant(era)), state, seeds)


def test_all_of_them_are() -> None:
    params = [getattr(row, "values", row) for row in WITHIN]
    assert {state for _, _, state, _ in params} == {*STIMULI, RARE}


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"preempts_sleepers": False}, "preempted while about to sleep"),
        ({"wakes_anywhere": False, "preemptions": 0}, "woken on another CPU"),
    ],
)
def test_none_is_without_its_option(changed: dict[str, object], state: str, tmp_path: Path) -> None:
    scenario = msgspec.structs.replace(load_builtin("sleepers"), sometimes={}, **changed)
    path = tmp_path / "plain.toml"
    path.write_text(to_toml(scenario))
    assert not comes(world_of(str(path), resolve_variant("v7.2")), state, 24)


def test_an_event_waits_for_its_route() -> None:
    world = world_of("sleepers", resolve_variant("v7.2"))
    told: list[bool] = []

    def note(_f: facts.DeviceRaised) -> None:
        machine = world.machine
        routed = any(g.trap.code == TARGET and g.trap.a == 80 for g in machine.guests)
        told.append(routed or machine.threads[1].done)

    world.subscribe({facts.DeviceRaised: note})
    for seed in range(12):
        DirectEngine().execute(Execution(world, RandomWalk(seed)))
    assert told
    assert all(told)


def test_a_scenario_may_ask_for_a_gicv2() -> None:
    assert RunSpec.make("senders", "v7.2").config(load_builtin("senders")).gic_version == 2
    asked = RunSpec.make("senders", "v7.2", knobs={"gic_version": "3"})
    assert asked.config(load_builtin("senders")).gic_version == 3


def test_a_message_has_no_route() -> None:
    text = (
        'name = "x"\ntitle = "x"\n[[forward]]\nkind = "lpi"\nintid = 8192\nwhen_routed = true\n'
        '[[vcpu]]\nprogram = ["wait"]\n'
    )
    with pytest.raises(UsageError, match="when_routed: expected kind 'edge' or 'level'"):
        parse(text, "scenario")
