"""Where a campaign runs executions over memoised steps: where that is 1.5 times as fast, or more.

That was measured, once (``harness/search/explore/README.md``): on one CPU with one guest and its
virtual timer, from four thousand schedules on. All else hardly ever comes to the same state
twice, and is up to ten times slower so. What comes of a campaign is the same either way.
"""

import time
from typing import Final

from harness.campaign.plan import MIX, Plan
from harness.search.explore.task import ExploredTask
from harness.search.explore.walks import Walks
from harness.user_rules import own_of
from harness.variants import ERAS
from harness.world import VgicWorld
from model.identity import PTIMER

__all__ = ["LEAST_SCHEDULES", "LEAST_SECONDS", "is_small", "walks_for"]

LEAST_SCHEDULES: Final = 4_000
"""So many of an entry in one process are enough to learn what steps do, and gain by it."""
LEAST_SECONDS: Final = 6.0
"""So long an entry has to run for that, where a campaign has a time to end."""


def walks_for(plan: Plan, entry: int) -> Walks | None:
    """Return what runs an entry's schedules in this process; None: the engine."""
    spec = plan.specs[entry]
    by_engine = plan.engine != "direct" or plan.strategy not in (MIX, "random", "pct")
    of_users = spec.variant.partition("+")[0] not in ERAS or own_of(spec.rules or ())
    if by_engine or of_users or plan.only_kept or not is_long(plan, entry):
        return None
    world = spec.build(ExploredTask)
    return Walks(world) if is_small(world) else None


def is_long(plan: Plan, entry: int) -> bool:
    """Tell whether one process runs an entry for long enough."""
    budget = plan.budget(entry)
    if budget is None:
        left = 0.0 if plan.deadline is None else plan.deadline - time.monotonic()
        return left >= LEAST_SECONDS * len(plan.specs)
    shards = 1 if plan.shard is None else plan.shard.of
    return budget >= LEAST_SCHEDULES * plan.jobs * shards


def is_small(world: VgicWorld) -> bool:
    """Tell whether it is one CPU with one guest that has its virtual timer and little else."""
    config, scenario = world.config, world.scenario
    return (
        config.pcpus == config.vcpus == 1
        and not (scenario.forward or scenario.resets or scenario.saves)
        and PTIMER not in world.machine.timer_numbers
        and not any(slot.eager for slot in world.slots)
    )
