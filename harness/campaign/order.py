"""In which order an entry's schedules are run: all of them, or those of a shard.

Places are counted from 0 without gaps; the first are the measuring schedules, which each shard
runs, then come its own.
"""

from harness.campaign.plan import Plan

__all__ = ["Order"]


class Order:
    """The order of an entry: which schedule is at which place.

    Args:
        plan: the campaign.
        entry: the entry, by its number.

    """

    def __init__(self, plan: Plan, entry: int) -> None:
        shard = plan.shard
        self.stride = 1 if shard is None else shard.of
        budget = plan.budget(entry)
        self.common = plan.measuring if budget is None else min(plan.measuring, budget)
        residue = 0 if shard is None else shard.number - 1
        self.begin = self.common + (residue - self.common) % self.stride
        """The first schedule behind the measuring ones."""
        self.size: int | None = None
        """How many schedules there are here; None: as many as time allows."""
        if budget is not None:
            own = -((self.begin - budget) // self.stride) if budget > self.begin else 0
            self.size = self.common + own

    def index(self, place: int) -> int:
        """Return the number of the schedule at a place."""
        if place < self.common:
            return place
        return self.begin + (place - self.common) * self.stride

    def place(self, index: int) -> int:
        """Return the place of a schedule, by its number."""
        if index < self.common:
            return index
        return self.common + (index - self.begin) // self.stride
