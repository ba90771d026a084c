"""48-enable. What is pending when it is enabled is lost (Jailhouse 1bbc6fb3, 8dfbacd3).

An interrupt came while the guest had it disabled. That write of ISENABLER has to look whether there
is something to deliver by now.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class QueuesNothing(Hooks):
    """The enable bit is all that is set."""

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """Set it, and leave what is pending where it is."""
        if not on:
            await super().write_enable(t, irq, on)
            return
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_enable, t.at(t.v, irq))
        t.acquired(irq)
        irq.enabled = True
        irq.written(t.v, "isenabler")
        self.enabling(t, irq)
        await self.unlock(t, irq)


PATCH = Patch(
    id="48-enable",
    title="what is pending when the guest enables it is not delivered",
    source="Jailhouse 1bbc6fb3, 8dfbacd3",
    symptom="an interrupt that came while it was disabled is lost",
    hooks=QueuesNothing,
)
