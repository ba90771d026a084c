"""Each rule can fail: its mutant trips it with all others off, and the clean twin is silent."""

import pytest

from harness.engine.direct_engine import execute
from harness.engine.execution import Outcome
from harness.engine.schedule import Schedule
from harness.scenarios.writer import to_toml
from harness.spec import RunSpec
from harness.strategies.replay import Replay
from harness.variants import check_overrides
from harness.world import VgicWorld
from model.rules.registry import FAULTS, RULES
from tests.race.mutant import Mutant
from tests.race.mutants import MUTANTS
from tests.race.running import outcomes, world_of


def assert_schedule_round_trips(world: VgicWorld, outcome: Outcome) -> None:
    """The printed schedule, read back, fails again in the same way."""
    spec = RunSpec(world.scenario.name, world.variant, 1, 1, 4, toml=to_toml(world.scenario))
    printed = str(spec.schedule(outcome))
    replay = Replay(Schedule.parse(printed).choices)
    again = execute(world, replay)
    assert replay.divergence is None
    assert again.violations == outcome.violations
    assert again.choices == outcome.choices


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
async def test_mutant_is_caught_and_its_twin_is_silent(mutant: Mutant) -> None:
    broken = world_of(mutant.scenario, mutant.broken, mutant.knobs, frozenset({mutant.rule}))
    tried = 0
    async for outcome in outcomes(broken, mutant.schedules, audited=4):
        tried += 1
        if outcome.violations:
            break
    else:
        pytest.fail(f"{mutant} was not caught in {tried} schedules")
    assert {v.rule for v in outcome.violations} == {mutant.rule}
    assert_schedule_round_trips(broken, outcome)

    twin = world_of(mutant.scenario, mutant.twin, mutant.knobs)
    async for outcome in outcomes(twin, min(max(tried, 24), 240), audited=2):
        assert outcome.violations == []
        assert outcome.bound == ""


def test_every_rule_has_a_mutant() -> None:
    """But for the guests' own fault, of which no hypervisor is guilty (``test_guests_fault``)."""
    assert {mutant.rule for mutant in MUTANTS} == set(RULES) - FAULTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_a_variant_that_a_user_could_write(mutant: Mutant) -> None:
    """It overrides hooks only: an override of anything else is refused."""
    check_overrides(mutant.broken, mutant.broken.__name__)
    check_overrides(mutant.twin, mutant.twin.__name__)
