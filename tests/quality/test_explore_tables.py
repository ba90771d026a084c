"""The tables of the explorer's README: a row for each scenario, era and patch that there is."""

from pathlib import Path

from harness.catalogue.shows import SHOWS
from harness.scenarios.schema import builtin_names, load_builtin
from harness.variants import ERAS

README = Path(__file__).parents[2] / "harness" / "search" / "explore" / "README.md"


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    text = README.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_each_scenario_is_explored_in_each_era() -> None:
    """All say at which size; an era that is not clean there is violated, and no other is."""
    scenarios = {name: load_builtin(name) for name in builtin_names()}
    assert all(scenario.explore is not None for scenario in scenarios.values())
    found = {(name, era): verdict for name, era, *_, verdict in rows("Scenarios")}
    assert set(found) == {(name, era) for name in scenarios for era in ERAS}
    for (name, era), verdict in found.items():
        expected = "violated" if era in scenarios[name].unclean else "proved"
        assert verdict.startswith(expected), (name, era)


def test_each_patch_is_violated_with_its_shortest_schedule() -> None:
    found = {variant: cells[3] for variant, *cells in rows("Museum")}
    assert set(found) == set(SHOWS)
    assert all(verdict.startswith("violated in ") for verdict in found.values())
