"""43-far. A write to another VCPU's redistributor halts nobody (fixed by 107352a24900, 2018).

With a GICv3 any VCPU may write the active state of another's SGIs and PPIs. Only the writes to SPIs
halted the guests: the owner has it in a List Register, and folds over what was written.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class FarIsNear(Hooks):
    """Only SPIs are shared."""

    async def access_active(self, t: Context, irq: VgicIrq, *, halt: bool) -> None:
        """Halt for an SPI alone."""
        await super().access_active(t, irq, halt=halt and irq.is_spi())

    async def end_active(self, t: Context, *, halt: bool) -> None:
        """Let go on whom it has halted, which does no harm to the others."""
        await super().end_active(t, halt=halt)

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """Whom nobody has halted nobody waits for."""
        if irq.is_spi():
            await super().wait_folded(t, irq)

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """Believe that a private one is in no register."""
        return not irq.is_spi() or super().is_folded(t, irq)


PATCH = Patch(
    id="43-far",
    title="a write of the active state in another VCPU's redistributor halts nobody",
    source="Linux 107352a24900",
    symptom="the active state that a guest wrote is overwritten",
    refused={"v4.14": "it halted for any private interrupt of a GICv3, and then waited"},
    hooks=FarIsNear,
)
