"""6. A timer's line that falls does not lower the virtual interrupt (fixed by 4b4b4512da2a, 2015).

The timer was treated as an edge: once KVM had made it pending, a guest that silenced its timer with
its interrupts masked was interrupted all the same. Its line of software stays high here.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class NeverLowers(Hooks):
    """A level only ever rises."""

    def accepts_injection(self, irq: VgicIrq, level: bool) -> bool:
        """Take no notice of a fall."""
        return level and super().accepts_injection(irq, level)


PATCH = Patch(
    id="6",
    title="the line of a level interrupt falls, and KVM takes no notice",
    source="Linux 4b4b4512da2a",
    symptom="an interrupt of a timer that the guest has silenced",
    hooks=NeverLowers,
)
