"""Every patch of the museum is found where it shows, and the clean era is silent there."""

import json

import pytest
from click.testing import CliRunner

from harness.catalogue.shows import SHOWS
from harness.cli.list import command
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.museum import patches
from harness.museum.left_out import LEFT_OUT
from harness.variants import ERAS, resolve_variant, variant_names
from harness.world import VgicWorld
from tests.race.running import strategy, world_of
from tests.race.shown import shown

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
    assert len(patches()) >= 45


def test_what_is_no_patch_says_why() -> None:
    assert not {missing.id for missing in LEFT_OUT} & set(patches())
    assert len({missing.id for missing in LEFT_OUT}) == len(LEFT_OUT)
    assert all(missing.title and missing.source and missing.missing for missing in LEFT_OUT)


def test_the_table_is_printed() -> None:
    result = CliRunner().invoke(command, ["museum", "--json"], standalone_mode=False)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    rows = {line["name"]: line for line in lines if line["type"] == "museum"}
    assert lines[-1]["count"] == len(rows) == len(patches()) + len(LEFT_OUT)
    for name in patches():
        assert bool(rows[name]["shown_by"]) != (f"v7.2+{name}" in NOT_BY_CHANCE)
        assert bool(rows[name]["deep"]) == (f"v7.2+{name}" in NOT_BY_CHANCE)
    text = CliRunner().invoke(command, ["museum"], standalone_mode=False).stdout
    assert all(missing.missing in text for missing in LEFT_OUT)


@pytest.mark.parametrize("variant", shown())
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
