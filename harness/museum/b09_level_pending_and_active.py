"""9. A level interrupt of software is put in its List Register pending and active (67b5b673ad4d).

The guest's completion leaves such a register pending, so that there is no end of the interrupt to
tell of: the device's line is not lowered, and the guest is interrupted again for nothing.
"""

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.lr import ACTIVE, PENDING, Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class BothStates(Hooks):
    """The List Register has whatever the software state has."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Add the pending state that a level has while it is active."""
        both = irq.level and not irq.hw and irq.active and irq.is_pending()
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, state=ACTIVE | PENDING) if both else lr


PATCH = Patch(
    id="9",
    title="a level of software is pending and active in its List Register",
    source="Linux 67b5b673ad4d",
    symptom="the end of a level is not seen: it is presented again",
    hooks=BothStates,
)
