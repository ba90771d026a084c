"""Facts that were kept are judged as they were live: the Checker needs no world."""

import pytest

from tests.race.mutant import Mutant
from tests.race.mutants import MUTANTS
from tests.unit.check.evidence import CLEAN, broken, clean, judge


@pytest.mark.parametrize(("scenario", "era"), CLEAN)
def test_clean_executions_are_clean(scenario: str, era: str) -> None:
    for i in range(4):
        evidence = clean(scenario, era, i)
        assert len(evidence.items) > 50
        assert judge(evidence) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_broken_executions_have_the_same_violations(mutant: Mutant) -> None:
    evidence = broken(mutant)
    assert judge(evidence) == list(evidence.violations)


@pytest.mark.long
def test_most_mutants_break_something_soon() -> None:
    assert sum(bool(broken(mutant).violations) for mutant in MUTANTS) > 0.9 * len(MUTANTS)
