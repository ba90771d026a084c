"""What mutants are run under: the built-in scenarios in both eras, and their schedules.

Schedule ``i`` of an entry is the same for all mutants: even ones random, odd ones pct.
"""

from typing import NamedTuple

from harness.contract import Strategy
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine, DirectTask, execute
from harness.engine.execution import Outcome
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk

__all__ = ["Entry", "World", "all_entries"]

ERAS = ("v4.14", "v7.2")


class Entry(NamedTuple):
    """A scenario in an era."""

    scenario: str
    era: str

    def __str__(self) -> str:
        return f"{self.scenario} {self.era}"


def all_entries() -> list[Entry]:
    """List the built-in scenarios in both eras."""
    return [Entry(name, era) for name in sorted(builtin_names()) for era in ERAS]


def strategy_of(i: int) -> Strategy:
    """Make what chooses in schedule ``i``."""
    return RandomWalk(i) if i % 2 == 0 else Pct(i, 3, 200)


class World:
    """The world of an entry with ``rules`` (None: all), and how to run its schedules."""

    def __init__(self, entry: Entry, rules: frozenset[str] | None = None) -> None:
        self.entry = entry
        self.rules = rules
        self.world = RunSpec.make(entry.scenario, entry.era).build(DirectTask, rules=rules)

    def run(self, i: int) -> Outcome:
        """Run schedule ``i``."""
        return execute(self.world, strategy_of(i))

    def audit(self, i: int) -> None:
        """Run schedule ``i`` and audit each step.

        Raises:
            FootprintError: a step touches what it did not announce.

        """
        world = self.world
        DirectEngine().execute(AuditedExecution(world, strategy_of(i), world.resources))
