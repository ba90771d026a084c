"""52-disabled. What was queued is delivered though it is disabled by now (a1fcb44e26b0, 2013).

An interrupt is pending and queued; the guest disables it. It was not taken off the queue, and went
into the next List Register all the same.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class StaysQueued(Hooks):
    """vgic_target_oracle without the enable bit, of what is on an ap_list."""

    def target_oracle(self, ctx: Context, irq: VgicIrq) -> int:
        """Leave it where it is."""
        target = super().target_oracle(ctx, irq)
        return irq.target if target < 0 <= irq.vcpu and irq.is_pending() else target


PATCH = Patch(
    id="52-disabled",
    title="what is queued is delivered though the guest has disabled it",
    source="Linux a1fcb44e26b0",
    symptom="a guest is interrupted by what it has disabled",
    hooks=StaysQueued,
)
