"""47-swapped. ISACTIVER clears, and ICACTIVER sets (Bao issue 374, b6b5320).

The two registers of the emulated distributor were handed to each other's function.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Swapped(Hooks):
    """Each write does what the other should."""

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """Do the opposite."""
        await super().change_active(t, irq, not on)


PATCH = Patch(
    id="47-swapped",
    title="ISACTIVER and ICACTIVER are swapped",
    source="Bao issue 374, b6b5320",
    symptom="an interrupt that the guest clears is stuck active",
    hooks=Swapped,
)
