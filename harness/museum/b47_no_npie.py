"""47. No exit when nothing is pending in the List Registers (Bao c68cbc8).

More is pending than there are registers, and the guest handles what it has: unless the maintenance
interrupt is asked for, the next batch waits for an exit that has nothing to do with it.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.registers import HCR_NPIE

__all__ = ["PATCH"]


class NotAsked(Hooks):
    """NPIE is never set."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Ask for the other causes."""
        return super().configure_hcr(pending, active, size) & ~HCR_NPIE


PATCH = Patch(
    id="47",
    title="no maintenance interrupt when the List Registers have nothing pending left",
    source="Bao c68cbc8",
    symptom="interrupts outside the List Registers come late",
    refused={"v4.14": "it is 4.14's own: it asks for UIE alone"},
    hooks=NotAsked,
)
