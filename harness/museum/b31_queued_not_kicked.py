"""31. An interrupt that is on an ap_list already is not kicked for (fixed by d42c79701a3e, 2016).

A second MSI comes while the guest handles the first: the interrupt is active in a List Register, so
it is on the ap_list. Its new pending state is noted in software and nobody is told; completing a
pure virtual edge makes no exit, so the guest goes on without it.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Silent(Hooks):
    """Kick only for what is newly queued."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """Drop irq_lock and return, if the interrupt is queued already."""
        if irq.vcpu < 0:
            await super().queue_irq_unlock(ctx, irq, saved)
            return
        await ctx.step(Steps.inject_unlock, ctx.at(irq.vcpu, irq))
        ctx.released(irq, irqs_on=saved)


PATCH = Patch(
    id="31",
    title="no kick for a new event of an interrupt that is queued already",
    source="Linux d42c79701a3e",
    symptom="the event waits for an unrelated exit",
    hooks=Silent,
)
