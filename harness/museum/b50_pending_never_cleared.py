"""50-pending. The pending flag stays set once the interrupt is in a List Register (libvmm 257).

Whatever is pending already need not be made pending again: with a flag that nobody clears the first
interrupt of a device is its last.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.lr import PENDING, Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class NeverCleared(Hooks):
    """A flag beside the latch, which is set when the interrupt is presented."""

    irq_state = {"flagged": False}

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Set it."""
        lr = super().populate_lr(irq)
        if lr.state & PENDING:
            self.own_irq(irq).flagged = True
        return lr

    def accepts_injection(self, irq: VgicIrq, level: bool) -> bool:
        """Take an edge for one that is pending still."""
        flagged = not irq.level and self.own_irq(irq).flagged
        return not flagged and super().accepts_injection(irq, level)


PATCH = Patch(
    id="50-pending",
    title="the pending flag of an edge is not cleared when it is presented",
    source="libvmm pull request 257",
    symptom="the second interrupt of a device is dropped, and all that follow",
    hooks=NeverCleared,
)
