"""Overflow as it was from 2016 to November 2025 (before 3cfd59f81e0f and its series).

Active interrupts come first, so that pending ones may find no List Register; of the causes of a
maintenance interrupt only UIE is used; and EOIcount is never read: a completion that finds no List
Register is lost, and with it every later interrupt of that number.
"""

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.gic.registers import HCR_EN, HCR_UIE
from model.vgic.irq import VgicIrq

__all__ = ["EXHIBIT"]


def old_hcr(pending: int, active: int, size: int) -> int:
    """Return what vgic_v3_set_underflow made of an overflow."""
    return HCR_EN | HCR_UIE if pending + active > size else HCR_EN


def old_key(irq: VgicIrq) -> tuple[bool | int, ...]:
    """Return vgic_irq_cmp of then: active first, then pending and enabled, then by priority."""
    return (not irq.active, not (irq.enabled and irq.is_pending()), irq.priority)


class SeedUnderflowOnly(V4_14):
    """Era v4.14, whose own handling this was."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Ask for underflow alone."""
        return old_hcr(pending, active, size)

    def sort_key(self, irq: VgicIrq) -> tuple[bool | int, ...]:
        """Keep active interrupts in the List Registers."""
        return old_key(irq)


class LazyUnderflowOnly(V7_2):
    """Era v7.2, until 2025."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Ask for underflow alone."""
        return old_hcr(pending, active, size)

    def sort_key(self, irq: VgicIrq) -> tuple[bool | int, ...]:
        """Keep active interrupts in the List Registers."""
        return old_key(irq)


EXHIBIT = Exhibit(
    id="overflow-uie",
    title="overflow before 2025: underflow interrupt only, EOIcount ignored, active ones first",
    source="Linux before 3cfd59f81e0f",
    symptom="the completion of an interrupt outside the List Registers is lost: stuck active",
    eras={"v4.14": SeedUnderflowOnly, "v7.2": LazyUnderflowOnly},
)
