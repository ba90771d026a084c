"""43-first. The first SPI, number 32, halts nobody (fixed by 1c32ca5dc6d0, 2017).

To write the active state of an SPI all VCPUs are halted, so that none has it in a List Register. An
off-by-one left out INTID 32: whoever had that in a register folded over the write.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.registers import FIRST_SPI
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class FirstIsPrivate(Hooks):
    """``intid > VGIC_NR_PRIVATE_IRQS``."""

    def must_halt(self, irq: VgicIrq) -> bool:
        """Take number 32 for a private one."""
        return irq.intid != FIRST_SPI and super().must_halt(irq)

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """Whom nobody has halted nobody waits for."""
        if irq.intid != FIRST_SPI:
            await super().wait_folded(t, irq)

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """Believe that it is in no register."""
        return irq.intid == FIRST_SPI or super().is_folded(t, irq)


PATCH = Patch(
    id="43-first",
    title="a write of the active state of SPI 32 halts nobody",
    source="Linux 1c32ca5dc6d0",
    symptom="the active state that a guest wrote is overwritten, and its SPI stuck",
    hooks=FirstIsPrivate,
)
