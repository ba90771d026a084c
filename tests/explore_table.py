"""What exploring says: each built-in scenario in each era, and each patch of the museum.

``python -m tests.explore_table [scenarios|museum|whole]`` prints it as Markdown, at the sizes of
the scenarios' ``[explore]`` tables. Seconds and states a second are of CPU time.
"""

import sys
from collections.abc import Iterable
from typing import Final

from harness.catalogue.shows import SHOWS
from harness.scenarios.schema import builtin_names, load_builtin
from harness.search.case import Case
from harness.search.explore.entry import Entry, smaller
from harness.search.explore.explore import explore
from harness.search.explore.explored import Explored, ExploreLimits
from harness.spec import RunSpec
from harness.variants import ERAS
from harness.verdict import PROVED, VIOLATED

__all__ = ["ELSEWHERE", "OUT_OF_REACH", "case_of", "main", "museum"]

LIMITS: Final = ExploreLimits(seconds=900, memory_mb=3_000)

ELSEWHERE: Final[dict[str, str]] = {}
"""Patches that another scenario's smaller one shows sooner than that of the sampled tests."""

OUT_OF_REACH: Final[dict[str, str]] = {}
"""Patches that stay proved at these sizes, and what they lack."""


def case_of(scenario: str, variant: str) -> Case:
    """Return a built-in scenario at the size at which it is explored."""
    return Case.of(RunSpec.make(scenario, variant, toml=smaller(scenario)))


def said(explored: Explored) -> str:
    """Return the verdict in words."""
    if explored.verdict != VIOLATED:
        return explored.verdict + (f" ({explored.bound})" if explored.bound else "")
    failure = explored.failure
    assert failure is not None
    rules = ", ".join(sorted({violation.rule for violation in failure.violations})) or "livelock"
    return f"{explored.verdict} in {failure.steps} steps: {rules}"


def row(case: Case, explored: Explored) -> str:
    """Return a line of the table of scenarios."""
    cpu = max(explored.cpu_seconds, 1e-3)
    cells = (
        case.scenario.name,
        case.variant,
        f"{explored.states:,}",
        f"{explored.transitions:,}",
        f"{explored.depth}",
        f"{explored.cpu_seconds:.1f}",
        f"{explored.states / cpu:,.0f}",
        f"{explored.memory_mb:.0f}",
        said(explored),
    )
    return f"| {' | '.join(cells)} |"


def scenarios(names: Iterable[str]) -> None:
    """Print the table of scenarios, and their bounds."""
    print("| scenario | era | states | steps | depth | s | states/s | MiB | verdict |")
    print("|---|---|---|---|---|---|---|---|---|")
    bounds = []
    for name in names:
        for era in ERAS:
            case = case_of(name, era)
            print(row(case, explore(case, LIMITS)), flush=True)
        bounds.append(f"- **{name}**: {Entry(case).bounds(LIMITS)}")
    print()
    print("\n".join(bounds))


def museum(variants: Iterable[str]) -> None:
    """Print the table of the museum."""
    print("| patch | scenario | states | s | verdict |")
    print("|---|---|---|---|---|")
    for variant in variants:
        scenario = ELSEWHERE.get(variant, SHOWS[variant][0])
        explored = explore(case_of(scenario, variant), LIMITS)
        words = said(explored)
        if explored.verdict == PROVED:
            words += f": {OUT_OF_REACH.get(variant, 'unexplained')}"
        cells = (
            variant, scenario, f"{explored.states:,}", f"{explored.cpu_seconds:.1f}", words,
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)


def main(which: str) -> None:
    """Print the tables."""
    if which in ("scenarios", "whole"):
        scenarios([name for name in builtin_names() if load_builtin(name).explore is not None])
    if which in ("museum", "whole"):
        museum(SHOWS)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "whole")
