"""12. ISPENDR of a mapped level is read from the software state (fixed by 5bfa685e62e9, 2022).

The software line of a mapped level was consumed when it went into a List Register. The guest that
reads ISPENDR meanwhile is told that nothing is pending though its device holds the line.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class ReadsSoftware(Hooks):
    """What was seen last of the line is what the guest reads."""

    async def read_pending(self, t: Context, irq: VgicIrq) -> None:
        """Do not look at the device."""
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.read_pending, t.at(t.v, irq))
        t.acquired(irq)
        irq.read(t.v, "ispendr", irq.is_pending())
        await self.unlock(t, irq)


PATCH = Patch(
    id="12",
    title="ISPENDR of a mapped level reads as what software last saw of its line",
    source="Linux 5bfa685e62e9",
    symptom="a guest reads that an interrupt is not pending, which is",
    hooks=ReadsSoftware,
)
