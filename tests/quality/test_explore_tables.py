"""The tables of the explorer's README: a row for each scenario, era and patch that there is.

What each row says is what ``python -m tests.explore_table`` says; of a few that cost little the
numbers are held as well.
"""

from functools import cache
from pathlib import Path

import pytest

from harness.scenarios.schema import builtin_names, load_builtin
from harness.search.explore.explore import explore
from harness.variants import ERAS
from tests.explore_table import PATCHES, case_of, case_of_patch, said

README = Path(__file__).parents[2] / "harness" / "search" / "explore" / "README.md"
CHEAP = ("smp-mix",)
CHEAP_PATCHES = ("v4.14+3", "v7.2+14", "v4.14+57", "v4.14+bound-2")


OUT_OF_REACH = ("21", "43-first", "43-itself", "43-reads", "47")
"""Patches that show only at larger sizes, or where something is that the explored sizes lack."""


@cache
def rows(heading: str) -> tuple[tuple[str, ...], ...]:
    """Return the cells of the table under a heading."""
    text = README.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return tuple(tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[1:])


def test_each_scenario_is_explored_in_each_era() -> None:
    """All say at which size; an era that is not clean there is violated, and no other is."""
    scenarios = {name: load_builtin(name) for name in builtin_names()}
    assert all(scenario.explore is not None for scenario in scenarios.values())
    found = {(name, era): verdict for name, era, *_, verdict in rows("Scenarios")}
    assert set(found) == {(name, era) for name in scenarios for era in ERAS}
    for (name, era), verdict in found.items():
        expected = "violated" if era in scenarios[name].unclean else "proved"
        assert verdict.startswith(expected), (name, era)


def test_each_is_proved_within_a_minute() -> None:
    seconds = {(name, era): float(cells[3]) for name, era, *cells in rows("Scenarios")}
    assert max(seconds.values()) < 60


def test_the_rate_that_is_said_is_that_of_the_table() -> None:
    rates = sorted(int(x[6].replace(",", "")) for x in rows("Scenarios") if x[-1] == "proved")
    median = (rates[len(rates) // 2] + rates[~(len(rates) // 2)]) / 2
    assert median >= 20_000
    assert f"{median:,.0f} new states a second" in README.read_text(encoding="utf-8")


def test_each_patch_is_in_the_table_and_where_it_is_looked_for() -> None:
    found = {variant: cells for variant, *cells in rows("Museum")}
    assert set(found) == set(PATCHES)
    for variant, (where, *_, verdict) in found.items():
        assert where == case_of_patch(variant)[1]
        clean = variant.partition("+")[2] in OUT_OF_REACH or variant.endswith(":Rechecked")
        assert verdict.startswith("proved" if clean else "violated"), variant


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", CHEAP)
def test_numbers_of_scenarios(name: str, era: str) -> None:
    explored = explore(case_of(name, era))
    [cells] = [cells for cells in rows("Scenarios") if cells[:2] == (name, era)]
    numbers = f"{explored.states:,}", f"{explored.transitions:,}", f"{explored.depth}"
    assert (*numbers, said(explored)) == (*cells[2:5], cells[-1])


@pytest.mark.long
@pytest.mark.parametrize("variant", CHEAP_PATCHES)
def test_numbers_of_patches(variant: str) -> None:
    case, where = case_of_patch(variant)
    explored = explore(case)
    [cells] = [cells for cells in rows("Museum") if cells[0] == variant]
    assert (where, f"{explored.states:,}", said(explored)) == (*cells[1:3], cells[-1])
