"""31. An interrupt that is on an ap_list already is not kicked for (fixed by d42c79701a3e, 2016).

A second MSI comes while the guest handles the first: the interrupt is active in a List Register, so
it is on the ap_list. Its new pending state is noted in software and nobody is told; completing a
pure virtual edge makes no exit, so the guest goes on without it.
"""

from harness.actors.context import Context
from harness.kvm.inject import Injection
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.vgic.irq import VgicIrq

__all__ = ["EXHIBIT"]


async def queue_silently(kvm: Injection, ctx: Context, irq: VgicIrq, saved: bool) -> bool:
    """Drop irq_lock and return, if the interrupt is queued already; tell whether it was."""
    if irq.vcpu < 0:
        return False
    await ctx.step(ctx.ops_on(irq, irq.vcpu).inject_unlock)
    kvm.gave_irqrestore(ctx, irq, saved)
    return True


class SeedSilent(V4_14):
    """Era v4.14."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """Kick only for what is newly queued."""
        if not await queue_silently(self, ctx, irq, saved):
            await super().queue_irq_unlock(ctx, irq, saved)


class LazySilent(V7_2):
    """Era v7.2."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """Kick only for what is newly queued."""
        if not await queue_silently(self, ctx, irq, saved):
            await super().queue_irq_unlock(ctx, irq, saved)


EXHIBIT = Exhibit(
    id="31",
    title="no kick for a new event of an interrupt that is queued already",
    source="Linux d42c79701a3e",
    symptom="the event waits for an unrelated exit",
    eras={"v4.14": SeedSilent, "v7.2": LazySilent},
)
