"""15. A reset of the VM leaves its mapped interrupts as they are (fixed by 413aa807ae39, 2018).

What was pending or active when the VM monitor reset the VM is so in the VM that starts anew: its
guest is interrupted by the past, or, with the interrupt active, never by that device again.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class NothingCleared(Hooks):
    """A reset enables the interrupt, and that is all."""

    def clear(self, irq: VgicIrq) -> None:
        """Leave what is pending or active, if it is mapped."""
        active, latch, line = irq.active, irq.pending_latch, irq.line_level
        super().clear(irq)
        if irq.hw:
            irq.active, irq.pending_latch, irq.line_level = active, latch, line


PATCH = Patch(
    id="15",
    title="a reset of the VM leaves mapped interrupts pending or active",
    source="Linux 413aa807ae39 (Fixes 4c60e360d6df)",
    symptom="after a reset an interrupt is stuck active, or comes for nothing",
    hooks=NothingCleared,
)
