"""49. A second edge is dropped while the first is on its way (Xen 394b7e587b).

An interrupt that is queued already was not queued again, and no note was kept of it: the device
sends once more while its guest handles the first, and that is lost.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Dropped(Hooks):
    """vgic_queue_irq_unlock with a latch that is taken back."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """Forget an edge of what is on an ap_list."""
        if irq.vcpu >= 0 and not irq.level:
            irq.pending_latch = False
        await super().queue_irq_unlock(ctx, irq, saved)


PATCH = Patch(
    id="49",
    title="a second edge is dropped while the first is queued",
    source="Xen 394b7e587b",
    symptom="an interrupt is lost",
    hooks=Dropped,
)
