"""8. A HW List Register is written pending and active (fixed by 3d6e77ad1489 and its twin, 2017).

The interrupt is injected again while the guest handles it, and KVM puts both states into the
register. The guest's deactivation ends the physical interrupt and leaves the virtual one pending:
the guest is then given an interrupt whose physical side is inactive.
"""

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.lr import PENDING_ACTIVE, Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class BothStates(Hooks):
    """A mapped interrupt that is active may be pending in its List Register as well."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Write both states."""
        lr = super().populate_lr(irq)
        if irq.hw and irq.active and irq.is_pending():
            return msgspec.structs.replace(lr, state=PENDING_ACTIVE)
        return lr


PATCH = Patch(
    id="8",
    title="a HW List Register is written pending and active",
    source="Linux 3d6e77ad1489",
    symptom="a spurious interrupt whose physical side is inactive",
    hooks=BothStates,
)
