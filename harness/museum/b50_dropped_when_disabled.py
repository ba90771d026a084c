"""50. What comes while it is disabled is dropped (libvmm issue 56).

A GIC keeps the pending state of an interrupt that is disabled; the emulation returned an error to
who injected it.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class OnlyEnabled(Hooks):
    """vgic_validate_injection that looks at the enable bit."""

    def accepts_injection(self, irq: VgicIrq, level: bool) -> bool:
        """Refuse what is disabled."""
        return irq.enabled and super().accepts_injection(irq, level)


PATCH = Patch(
    id="50",
    title="an injection is dropped while the guest has the interrupt disabled",
    source="libvmm issue 56",
    symptom="an interrupt that came while it was disabled is lost",
    hooks=OnlyEnabled,
)
