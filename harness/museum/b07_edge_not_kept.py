"""7. An edge that is pending in its List Register is forgotten at the fold (8fe2f19e6e60, 2015).

Forwarded edges were new: at the exit the pending state of one that its guest had not acknowledged
was not taken back, nor was it marked as to be looked at again. The interrupt was gone.
"""

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.lr import ACTIVE, PENDING, Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class ForgetsPending(Hooks):
    """An edge that is pending at the exit is folded as if it were not."""

    def fold_edge_or_level(self, irq: VgicIrq, lr: Lr) -> bool:
        """Leave the pending state out."""
        if not irq.level and lr.state & PENDING:
            lr = msgspec.structs.replace(lr, state=lr.state & ACTIVE)
        return super().fold_edge_or_level(irq, lr)


PATCH = Patch(
    id="7",
    title="an edge that is pending in its List Register is forgotten at the exit",
    source="Linux 8fe2f19e6e60",
    symptom="a device's edge, an SGI or an LPI is lost",
    hooks=ForgetsPending,
)
