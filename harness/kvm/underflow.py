"""More interrupts than List Registers, as KVM dealt with them from 2016 to November 2025.

Linux virt/kvm/arm/vgic/vgic.c of 4.14, and vgic.c, vgic-v3.c before 3cfd59f81e0f and its series.
Active interrupts come first, so that pending ones may find no List Register; of the causes of a
maintenance interrupt only UIE is used; EOIcount is never read, and no DIR traps: a completion that
finds no List Register is lost, and with it every later interrupt of that number.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.gic.registers import HCR_EN, HCR_UIE
from model.vgic.irq import VgicIrq

__all__ = ["UnderflowOnly"]

LOWEST = 0xFF
"""The least urgent priority that there is."""


class UnderflowOnly(Hooks):
    """4.14's own handling, and that of 7.2's predecessors until 2025."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Ask for no maintenance interrupt; the flush knows whether UIE is needed."""
        return HCR_EN

    async def flush_lrs(self, t: Context) -> None:
        """vgic_flush_lr_state: UIE once the last register is used and the list has more."""
        vgic = self.machine.vgics[t.v]
        await super().flush_lrs(t)
        if vgic.used == len(vgic.lrs) and vgic.ap_list[-1] != vgic.last_lr:
            vgic.hcr |= HCR_UIE

    def must_count(self, v: int) -> bool:
        """compute_ap_list_depth: with a GICv2 it looks for SGIs of several senders as well."""
        two = self.machine.gic.version == 2 and self.machine.vgics[v].ap_list != ()
        return two or super().must_count(v)

    async def count_and_sort(self, t: Context) -> None:
        """A GICv2 SGI of several senders has the list sorted, too, and what is below it wait.

        Each sender has its turn in a List Register; nothing less urgent may come between two of
        them (16ca6a607d84; 7.2 presents it, and its comment says so).
        """
        await super().count_and_sort(t)
        v = t.v
        if self.machine.gic.version != 2:
            return
        vgic = self.machine.vgics[v]
        sorted_ = self.overflows(v)
        if not sorted_:
            await t.step(Steps.sort_ap_list)
        irqs = [self.machine.irq(v, intid) for intid in vgic.ap_list]
        if any(irq.is_multi_sgi() for irq in irqs):
            vgic.floor = LOWEST
            if not sorted_:
                irqs.sort(key=lambda irq: self.sort_key(irq, v))
                vgic.ap_list = tuple(irq.intid for irq in irqs)

    def put_in_lr(self, t: Context, irq: VgicIrq) -> None:
        """An SGI that has more senders than this one: from here on only what is as urgent."""
        super().put_in_lr(t, irq)
        vgic = self.machine.vgics[t.v]
        if vgic.floor >= 0 and irq.source:
            vgic.floor = irq.priority

    def comes_too_late(self, v: int, irq: VgicIrq) -> bool:
        """vgic_flush_lr_state: leave the list where the next is less urgent than such an SGI."""
        return 0 <= self.machine.vgics[v].floor < irq.priority

    def overflows(self, v: int) -> bool:
        """compute_ap_list_depth: what is to be delivered nowhere counts as well."""
        return len(self.machine.vgics[v].ap_list) > len(self.machine.vgics[v].lrs)

    def sort_key(self, irq: VgicIrq, v: int) -> tuple[bool | int, ...]:
        """vgic_irq_cmp of then: active first, then pending and enabled, these by priority.

        Two active ones are equal, and so are two that are neither: they keep the list's order.
        """
        if irq.active:
            return (False,)
        pending = irq.enabled and irq.is_pending()
        return (True, not pending, irq.priority if pending else 0)

    def traps_dir(self) -> bool:
        """Nothing traps DIR."""
        return False

    def broadcasts(self) -> bool:
        """Nobody but its target is told of an SPI."""
        return False
