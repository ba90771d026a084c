"""Where batches run: in this process, in others on this machine, or on a Dask cluster."""

import os
from contextlib import AbstractContextManager

from harness.campaign.plan import Plan
from harness.campaign.pool import Found, Inline, Pool
from harness.user_code import is_reference

__all__ = ["make_pool"]


def make_pool(plan: Plan, found: Found) -> "AbstractContextManager[Pool]":
    """Make the pool for a plan: this process for one job, else a process per job.

    Who runs code of a user's has a process for it in any case: it may never come back.

    Raises:
        UsageError: Dask is asked for and is not installed, or there is nobody at the address.
    """
    if plan.dask:
        from harness.campaign.dask_pool import DaskPool

        return DaskPool(plan, found)
    named = [plan.strategy, *(spec.variant for spec in plan.specs)]
    named += [rule for spec in plan.specs for rule in spec.rules or ()]
    alien = any(map(is_reference, named))
    if os.name != "posix" or (plan.jobs == 1 and not alien):
        return Inline(plan, found)
    from harness.campaign.processes import Processes

    return Processes(plan, found)
