"""Every patch of the museum is found where it shows, and the clean era is silent there."""

import pytest

from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.variants import ERAS, resolve_variant, variant_names
from harness.world import VgicWorld
from tests.race.running import strategy, world_of

AUDITED = 10
"""Of so many schedules the footprints are audited, as in every race test."""

SHOWS: dict[str, tuple[str, int, frozenset[str]]] = {
    # variant: the scenario, within how many schedules, and a rule that says it in its own words
    "v4.14+1": ("migrate", 2_000, frozenset({"I1", "R23"})),
    "v7.2+1": ("migrate", 2_000, frozenset({"R23"})),
    "v4.14+3": ("timer-busy", 1_000, frozenset({"R29"})),
    "v4.14+4": ("timer-busy", 100, frozenset({"R18", "L2"})),
    "v7.2+14": ("timer-wfi", 2_000, frozenset({"I11", "L1", "R28", "R28b"})),
    "v4.14+8": ("spi-level", 1_000, frozenset({"R5"})),
    "v7.2+8": ("migrate", 3_000, frozenset({"R5"})),
    "v4.14+30": ("spi-level", 1_000, frozenset({"I12"})),
    "v7.2+30": ("spi-level", 1_000, frozenset({"I12"})),
    "v4.14+31": ("lpi", 1_000, frozenset({"I12"})),
    "v7.2+31": ("lpi", 1_000, frozenset({"I12"})),
    "v4.14+23": ("timer-wfi", 100, frozenset({"I1", "I11", "R12"})),
    "v4.14+26": ("timer-phys", 200, frozenset({"I11", "L1", "R30"})),
    "v7.2+26": ("timer-phys", 200, frozenset({"I11", "L1", "R30"})),
    "v7.2+26-load": ("timer-phys", 200, frozenset({"I11", "L2"})),
    "v7.2+27": ("timer-phys", 200, frozenset({"I7"})),
    "v7.2+29": ("timer-wfi", 2_000, frozenset({"I11"})),
    "v4.14+44": ("overflow", 200, frozenset({"I8"})),
    "v7.2+44": ("overflow", 200, frozenset({"I8"})),
    "v4.14+45": ("overflow-dir", 200, frozenset({"I8"})),
    "v7.2+45": ("overflow-dir", 200, frozenset({"I8"})),
    "v4.14+overflow-uie": ("overflow-dir", 200, frozenset({"L1", "L2"})),
    "v7.2+overflow-uie": ("overflow-dir", 200, frozenset({"L1", "L2"})),
    "v4.14+prune-recheck": ("retarget", 300, frozenset({"I5"})),
    "v7.2+prune-recheck": ("retarget", 300, frozenset({"I5"})),
    "v4.14+F2": ("overflow-dir", 1_000, frozenset({"I8", "R23"})),
    "v7.2+F2": ("overflow-dir", 1_000, frozenset({"I8", "R23"})),
    "v7.2+F3": ("overflow-dir", 1_000, frozenset({"I8"})),
    "v4.14+57": ("spi-level", 100, frozenset({"L2"})),
    "v7.2+57": ("spi-level", 100, frozenset({"L1"})),
    "v4.14+bound-1": ("migrate", 1_000, frozenset({"I1", "R12", "R23"})),
    "v7.2+bound-1": ("migrate", 1_000, frozenset({"I1", "R12", "R23"})),
    "v4.14+bound-2": ("timer-busy", 500, frozenset({"R31"})),
    "v7.2+bound-3": ("timer-busy", 500, frozenset({"R6"})),
}
"""The rates are 1 in 10 to 1 in 500; the figures leave room, and a hit ends the search."""


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
