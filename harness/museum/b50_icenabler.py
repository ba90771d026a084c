"""50-icenabler. A write of ICENABLER enables (FreeBSD vmm, CheriBSD pull request 2692).

One of two functions that are nearly the same was copied from the other, and not changed.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class AlwaysEnables(Hooks):
    """Both registers set the bit."""

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """Enable, whichever of the two it is."""
        await super().write_enable(t, irq, True)


PATCH = Patch(
    id="50-icenabler",
    title="ICENABLER enables",
    source="FreeBSD arm64/vmm vgic_v3, CheriBSD pull request 2692",
    symptom="a guest is interrupted by what it has disabled",
    hooks=AlwaysEnables,
)
