"""47-active. An exit is asked for when nothing is pending, whatever is outside (Bao issue 398).

All List Registers hold active interrupts, and more are active outside. Nothing is pending: the
maintenance interrupt is there at once, and the guest executes nothing between two of them.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.registers import HCR_NPIE

__all__ = ["PATCH"]


class AlwaysAsked(Hooks):
    """NPIE whenever anything is outside."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Count what is active as pending."""
        hcr = super().configure_hcr(pending, active, size)
        return hcr | HCR_NPIE if pending + active > size else hcr


PATCH = Patch(
    id="47-active",
    title="NPIE while all that is outside the List Registers is active",
    source="Bao issue 398",
    symptom="a storm of maintenance interrupts",
    refused={"v4.14": "it asks for UIE alone"},
    hooks=AlwaysAsked,
)
