"""52. What a guest handles is saved as inactive (fixed by 47a98b15ba7c, 2015).

The VM monitor saved the VM while interrupts were queued and active; the restored VM's guest ends
what is not active, and is interrupted again in its handler before that.
"""

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.monitor import SavedIrq
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class ForgetsActive(Hooks):
    """The saved state has no active bit."""

    def saved_irq(self, irq: VgicIrq) -> SavedIrq:
        """Leave it out."""
        return msgspec.structs.replace(super().saved_irq(irq), active=False)


PATCH = Patch(
    id="52",
    title="the active state of an interrupt is not saved with the VM",
    source="Linux 47a98b15ba7c",
    symptom="a restored guest is interrupted while it handles that very interrupt",
    hooks=ForgetsActive,
)
