"""Overflow as it was from 2016 to November 2025 (before 3cfd59f81e0f and its series).

Active interrupts come first, so that pending ones may find no List Register; of the causes of a
maintenance interrupt only UIE is used; and EOIcount is never read: a completion that finds no List
Register is lost, and with it every later interrupt of that number.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.registers import HCR_EN, HCR_UIE
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class UnderflowOnly(Hooks):
    """4.14's own handling, and today's until 2025."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Ask for underflow alone, as vgic_v3_set_underflow did."""
        return HCR_EN | HCR_UIE if pending + active > size else HCR_EN

    def sort_key(self, irq: VgicIrq, v: int) -> tuple[bool | int, ...]:
        """vgic_irq_cmp of then: active first, then pending and enabled, these by priority.

        Two active ones are equal, and so are two that are neither: they keep the list's order.
        """
        if irq.active:
            return (False,)
        pending = irq.enabled and irq.is_pending()
        return (True, not pending, irq.priority if pending else 0)


PATCH = Patch(
    id="overflow-uie",
    title="overflow before 2025: underflow interrupt only, EOIcount ignored, active ones first",
    source="Linux before 3cfd59f81e0f",
    symptom="the completion of an interrupt outside the List Registers is lost: stuck active",
    hooks=UnderflowOnly,
)
