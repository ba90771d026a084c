"""21. An interrupt that no handler claims is not ended (Xen 8aa276235b).

The hypervisor acknowledges it, finds nothing to do, and leaves: without a write to EOIR its
priority stays the running one, and the CPU takes no interrupt of that priority any more.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.gic.registers import FIRST_SPI, SPECIAL

__all__ = ["PATCH"]


class NeverEnded(Hooks):
    """No EOIR for an SPI of the host's own."""

    async def drop_priority(self, h: Context, intid: int) -> None:
        """Drop the priority of what is a guest's, an SGI or a PPI."""
        if not FIRST_SPI <= intid < SPECIAL or self.forwarded(intid):
            await super().drop_priority(h, intid)
        else:
            await h.task.step(h.here[Steps.host_eoir])


PATCH = Patch(
    id="21",
    title="no priority drop for an interrupt that no handler claims",
    source="Xen 8aa276235b",
    symptom="a physical CPU takes no interrupt any more",
    hooks=NeverEnded,
)
