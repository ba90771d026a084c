"""41. irq_lock and ap_list_lock are taken with interrupts on (fixed by 388d4359680b, 2017).

A handler of the host that injects takes them as well: on the CPU of a thread that holds one it
waits for ever.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class InterruptsOn(Hooks):
    """spin_lock in the place of spin_lock_irqsave."""

    async def irqs_off_for_handlers(self, t: Context) -> bool:
        """Leave them on around flush and sync."""
        return False


PATCH = Patch(
    id="41",
    title="locks that a handler takes, too, are taken with interrupts on",
    source="Linux 388d4359680b (Fixes 006df0f34930)",
    symptom="a host CPU waits for a lock that it holds itself",
    refused={"v7.2": "since 4.15 flush and sync run with interrupts off"},
    hooks=InterruptsOn,
)
