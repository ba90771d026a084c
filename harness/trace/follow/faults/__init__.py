"""Faults to plant in the model and in the era: a lock step that misses them has no power there.

Each is one wrong decision, laid over the right one while :func:`planted` holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import unknown_name
from harness.trace.follow.faults.decisions import DECISIONS
from harness.trace.follow.faults.era import ERA
from harness.trace.follow.faults.fault import Fault
from harness.trace.follow.faults.outside import OUTSIDE
from model.vgic import decide

__all__ = ["FAULTS", "fault_of", "planted"]

FAULTS = {fault.id: fault for fault in (*DECISIONS, *ERA, *OUTSIDE)}


def fault_of(name: str) -> Fault:
    """Return the fault of this name.

    Raises:
        UsageError: there is none.

    """
    fault = FAULTS.get(name)
    if fault is None:
        raise unknown_name("fault", name, FAULTS)
    return fault


@contextmanager
def planted(fault: Fault | None) -> Iterator[tuple[type, ...]]:
    """Plant a fault (None: none) for the while; yield the hooks to lay over the hypervisor."""
    if fault is None:
        yield ()
        return
    if fault.hooks is not None:
        yield (fault.hooks,)
        return
    assert fault.wrong is not None, "one of the two"
    right = getattr(decide, fault.decision)
    setattr(decide, fault.decision, fault.wrong(right))
    try:
        yield ()
    finally:
        setattr(decide, fault.decision, right)
