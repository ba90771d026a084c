"""What a campaign is to do: its entries, its budget, and which strategy makes which schedule."""

import msgspec

from harness.campaign.seeds import schedule_seed
from harness.contract import Strategy
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from harness.user_code import is_reference
from harness.user_strategy import make_strategy

__all__ = ["DEPTH", "MEASURING", "MIX", "ROUND_ROBIN", "STRATEGIES", "Plan", "Shard", "far_k"]

MIX, ROUND_ROBIN = "mix", "round-robin"
DEPTH = 3
MEASURING = 32
"""The first schedules of an entry measure k for those of pct that follow. They count as others do:
every other one is random, and those of pct among them take the most that was measured so far."""
FAR_FACTOR, FAR_LEAST, FAR_MOST = 4, 200, 400
STRATEGIES: dict[str, str] = {
    MIX: "schedules 0, 2, 4... by random, the others by pct (default)",
    "random": "every enabled task equally likely at every step",
    "pct": "random priorities and depth - 1 random points where they change (at first as mix)",
    ROUND_ROBIN: "each enabled task in turn; one schedule, always the same",
}


def far_k(k: int) -> int:
    """Return what every other pct schedule spreads its change points over.

    Pct starves tasks, so that its executions may have many more choice steps than those that ``k``
    was measured by: points spread over ``k`` alone would never come late in them. Where ``k`` is
    large, executions are not several times as long, and points beyond their end would be lost.
    """
    return max(k, min(FAR_FACTOR * k, FAR_MOST), FAR_LEAST)


class Shard(msgspec.Struct, frozen=True):
    """Part ``number`` (from 1) of ``of``: of the schedules of each entry those that are its own.

    These are the ones whose number, divided by ``of``, leaves ``number - 1``, and the measuring
    ones, which each shard needs.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Plan(msgspec.Struct, frozen=True):
    """A campaign before it runs. Either ``schedules`` (in total) or ``deadline`` is given.

    ``deadline`` is a moment of the monotonic clock, in seconds, which processes share. Entries are
    numbered from 0 by their position in ``specs``, the schedules of an entry from 0 as well.
    ``depth`` is that of pct (one more than its change points), ``jobs`` how many processes run, and
    ``keep_going`` lets an entry go on after its first violation. With a ``shard`` only its part is
    run; ``schedules`` are those of all shards then. ``dask`` is the address of a scheduler whose
    workers run the batches, instead of processes here. ``only_kept`` runs no schedules of its own.
    """

    specs: tuple[RunSpec, ...]
    seed: int
    schedules: int | None = None
    deadline: float | None = None
    strategy: str = MIX
    depth: int = DEPTH
    engine: str = "trio"
    jobs: int = 1
    keep_going: bool = False
    shard: Shard | None = None
    dask: str = ""
    only_kept: bool = False

    @property
    def measuring(self) -> int:
        """How many first schedules of an entry measure k; 0 where no strategy needs it."""
        return MEASURING if self.strategy in (MIX, "pct") else 0

    def budget(self, entry: int) -> int | None:
        """Return how many schedules an entry gets; None when only time limits it."""
        if self.only_kept:
            return 0
        if self.strategy == ROUND_ROBIN:
            return 1
        if self.schedules is None:
            return None
        share, left = divmod(self.schedules, len(self.specs))
        return max(1, share + (entry < left))

    def seed_of(self, entry: int, index: int) -> int:
        """Return the 64-bit seed of schedule ``index`` of an entry (``harness.campaign.seeds``)."""
        spec = self.specs[entry]
        return schedule_seed(self.seed, spec.scenario, spec.variant, index)

    def uses_pct(self, index: int) -> bool:
        """Tell whether schedule ``index`` is made by ``pct``."""
        mixed = self.strategy == MIX or index < MEASURING
        return self.strategy in (MIX, "pct") and (index % 2 == 1 or not mixed)

    def uses_far(self, index: int) -> bool:
        """Tell whether schedule ``index``, if it is of pct, is of the half with the large k."""
        mixed = self.strategy == MIX or index < MEASURING
        return (index // 2 if mixed else index) % 2 == 1

    def strategy_of(self, entry: int, index: int, k: int) -> Strategy:
        """Make the strategy of a schedule.

        Args:
            entry: the entry, by its number.
            index: the schedule, by its number in the entry.
            k: how many choice steps an execution of the entry was measured to have so far. Half
                of the pct schedules use it, half the larger one (:func:`far_k`).
        """
        if self.strategy == ROUND_ROBIN:
            return RoundRobin()
        seed = self.seed_of(entry, index)
        if is_reference(self.strategy):
            return make_strategy(self.strategy, seed)
        if self.uses_pct(index):
            return Pct(seed, self.depth, far_k(k) if self.uses_far(index) else k)
        return RandomWalk(seed)
