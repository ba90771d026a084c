"""What mutants are run under: the built-in scenarios in both eras, and their schedules.

Schedule ``i`` of an entry is the same for all mutants: even ones random, odd ones pct. Nothing of
the project is imported before it is needed, for a mutant's process must import it mutated.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harness.contract import Strategy
    from harness.world import VgicWorld

__all__ = ["Entry", "all_entries", "strategy_of", "world_of"]

ERAS = ("v4.14", "v7.2")


class Entry(NamedTuple):
    """A scenario in an era."""

    scenario: str
    era: str

    def __str__(self) -> str:
        return f"{self.scenario} {self.era}"


def all_entries() -> list[Entry]:
    """List the built-in scenarios in both eras."""
    from harness.scenarios.schema import builtin_names

    return [Entry(name, era) for name in sorted(builtin_names()) for era in ERAS]


def world_of(entry: Entry, rules: frozenset[str] | None) -> "VgicWorld":
    """Build the world of an entry, with these rules (None: all)."""
    from harness.engine.direct_engine import DirectTask
    from harness.spec import RunSpec

    return RunSpec.make(entry.scenario, entry.era).build(DirectTask, rules=rules)


def strategy_of(i: int) -> "Strategy":
    """Make what chooses in schedule ``i``."""
    from harness.strategies.pct import Pct
    from harness.strategies.random_walk import RandomWalk

    return RandomWalk(i) if i % 2 == 0 else Pct(i, 3, 200)
