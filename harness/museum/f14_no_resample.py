"""F14, found on a real kernel: the end of a level is notified only if it was folded as active.

vgic_v3_fold_lr of 7.2 calls kvm_notify_acked_irq where the List Register signals an EOI *and* the
interrupt was active before, in memory. One that the guest acknowledges and ends within one stay was
never folded as active: its resamplefd hears nothing, the line stays high, and it is presented again
until by chance an exit falls between the two. vgic_v2_fold_lr, and all kernels before, ask the List
Register alone, and so do the eras here.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class OnlyIfActive(Hooks):
    """As shipped."""

    def notifies(self, irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
        """Ask besides that it was active before."""
        return deactivated and self.signals_eoi(irq, lr)


PATCH = Patch(
    id="F14",
    title="KVM as shipped: the end of a level is notified only if it was folded as active",
    source="Linux vgic_v3_fold_lr (7.2, GICv3; not 6.12); found on a real kernel",
    symptom="no notification: a level whose device is silent is presented again and again",
    hooks=OnlyIfActive,
    refused={"v4.14": "4.14 looks at the List Register alone, before it takes irq_lock"},
    shipped=True,
)
