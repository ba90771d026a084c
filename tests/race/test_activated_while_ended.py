"""F38: a guest's ISACTIVER of another VCPU's SPI is undone by a deactivation still under way.

Too deep for random schedules: all interleavings are looked at.
"""

from pathlib import Path

import pytest

from harness.findings.lookup import find_known
from harness.scenarios.schema import load_file
from harness.search.case import Case
from harness.search.explore.explore import explore
from harness.search.explore.explored import Explored
from harness.verdict import PROVED, VIOLATED

PATH = Path(__file__).parent / "scenarios" / "activated-while-ended.toml"
SYNCHRONOUS = (("gic_messages", "synchronous"),)


def look(knobs: tuple[tuple[str, str], ...] = ()) -> Explored:
    return explore(Case(load_file(PATH), "v7.2", rules=("R23", "I1"), knobs=knobs))


@pytest.mark.long
def test_it_is_found_and_named() -> None:
    explored = look()
    assert explored.verdict == VIOLATED
    assert explored.failure is not None
    assert {v.rule for v in explored.failure.violations} == {"R23", "I1"}
    for violation in explored.failure.violations:
        known = find_known(violation, str(PATH), "v7.2", {})
        assert known is not None
        assert known.id == "F38"
        assert find_known(violation, str(PATH), "v7.2", SYNCHRONOUS) is None


@pytest.mark.long
def test_where_a_deactivation_arrives_at_once_it_is_proved() -> None:
    assert look(SYNCHRONOUS).verdict == PROVED
