"""Each rule can fail: its mutant trips it with all others off, and the clean twin is silent."""

import pytest

from model.rules.registry import RULES
from tests.race.mutants import MUTANTS, Mutant
from tests.race.running import outcomes, world_of


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_mutant_is_caught_and_its_twin_is_silent(mutant: Mutant) -> None:
    broken = world_of(mutant.scenario, mutant.broken, mutant.knobs, frozenset({mutant.rule}))
    tried = 0
    for outcome in outcomes(broken, mutant.schedules):
        tried += 1
        if outcome.violations:
            break
    else:
        pytest.fail(f"{mutant} was not caught in {tried} schedules")
    assert {v.rule for v in outcome.violations} == {mutant.rule}

    twin = world_of(mutant.scenario, mutant.twin, mutant.knobs)
    for outcome in outcomes(twin, max(tried, 50)):
        assert outcome.violations == []
        assert outcome.bound == ""


def test_every_rule_has_a_mutant() -> None:
    assert {mutant.rule for mutant in MUTANTS} == set(RULES)
