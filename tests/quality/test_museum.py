"""Every patch of the museum is found where it shows, and the clean era is silent there."""

import pytest

from harness.catalogue.shows import SHOWS
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.variants import ERAS, resolve_variant, variant_names
from harness.world import VgicWorld
from tests.race.running import strategy, world_of

AUDITED = 10
"""Of so many schedules the footprints are audited, as in every race test."""


def run(world: VgicWorld, i: int) -> Outcome:
    outcome = DirectEngine().execute(execution_of(world, i))
    assert outcome is not None
    return outcome


def execution_of(world: VgicWorld, i: int) -> Execution:
    if i < AUDITED:
        return AuditedExecution(world, strategy(i), world.resources)
    return Execution(world, strategy(i))


NOT_BY_CHANCE = {"v7.2+F9"}
"""Too deep for random schedules; ``tests/race/test_phys_timer.py`` finds it systematically."""


def test_every_patch_is_listed() -> None:
    assert set(SHOWS) | NOT_BY_CHANCE == set(variant_names()) - set(ERAS)


@pytest.mark.parametrize("variant", SHOWS)
def test_a_patch_is_found_and_its_era_is_silent(variant: str) -> None:
    scenario, within, rules = SHOWS[variant]
    broken = resolve_variant(variant)
    world = world_of(scenario, broken)
    for tried in range(within):
        outcome = run(world, tried)
        if outcome.violations:
            break
    else:
        pytest.fail(f"{variant} was not found in {within} schedules of {scenario}")
    assert rules & {violation.rule for violation in outcome.violations}
    assert all(violation.text for violation in outcome.violations)
    assert run(world, tried) == outcome

    clean = world_of(scenario, ERAS[broken.era])
    for i in range(tried + 1):
        outcome = run(clean, i)
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize("era", ERAS)
def test_no_patch_is_its_era(era: str) -> None:
    for variant in SHOWS:
        if variant.startswith(era):
            cls = resolve_variant(variant)
            assert issubclass(cls, ERAS[era])
            assert cls is not ERAS[era]
