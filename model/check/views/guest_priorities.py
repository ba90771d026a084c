"""What priorities let through: those of the interrupts, the mask, and what a guest is handling.

A virtual interrupt is signalled if its group is enabled and its priority is higher than the
priority mask and, as far as the binary point lets it take part, than the running priority (IHI0069
4.8). Whether the guest then takes it is PSTATE.I's; a WFI completes in any case.
"""

from model import facts
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Debt
from model.check.view import View
from model.check.views.guest_masks import GuestMasks
from model.check.views.guests import Guests
from model.check.views.sleepers import Sleepers
from model.gic.registers import PRIORITY_MASK, group_mask

__all__ = ["GuestPriorities"]


class OfVcpu(State):
    """``running``: the priorities that its guest has acknowledged and not dropped, sorted.

    ``group``: it has its interrupt group enabled; ``mask``: the bits that take part in preemption.
    """

    running: tuple[int, ...] = ()
    group: Debt[bool] = True
    mask: Debt[int] = PRIORITY_MASK


class OfIrq(State):
    """The priority that KVM last wrote for the guest; -1: as at first."""

    priority: Debt[int] = -1


class GuestPriorities(View):
    """``of[v].running`` is what VCPU ``v``'s guest is handling; the rest is asked for below."""

    trusts = "a reset alone is heard of the registers' writes: the VM monitor's doing, not KVM's"

    guests: Guests
    masks: GuestMasks
    sleepers: Sleepers

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu, "interface")
        self.irqs = Interrupts(self, OfIrq)

    def priority(self, v: int, vintid: int) -> int:
        """Return the priority of what is ``vintid`` for VCPU ``v``."""
        priority = self.irqs.of(v, vintid).priority
        return priority if priority >= 0 else self.setting.priority_of(vintid)

    def limit(self, v: int) -> int:
        """Return what a priority must be less than for VCPU ``v``'s guest to be signalled."""
        of = self.of[v]
        if not of.group:
            return 0
        limit = self.masks.of[v].pmr & PRIORITY_MASK
        return min(limit, of.running[0] & of.mask) if of.running else limit

    def signals(self, v: int, vintid: int) -> bool:
        """Tell whether VCPU ``v``'s guest is signalled ``vintid``, once it is pending."""
        return self.priority(v, vintid) < self.limit(v)

    def takes(self, v: int, vintid: int) -> bool:
        """Tell whether it takes it then, or is woken from its WFI by it."""
        return (not self.masks.of[v].irqs_masked or self.sleepers.of[v].blocked) and self.signals(
            v, vintid
        )

    @on(facts.LrMoved)
    def on_moved(self, f: facts.LrMoved) -> None:
        """A guest's acknowledge raises its running priority."""
        if f.access == "iar":
            of = self.of[self.guests.on[f.pcpu].vcpu]
            of.running = tuple(sorted((*of.running, f.before.priority & of.mask)))

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """Its EOI drops the highest of them."""
        of = self.of[self.guests.on[f.pcpu].vcpu]
        of.running = of.running[1:]

    @on(facts.GuestControl)
    def on_control(self, f: facts.GuestControl) -> None:
        """It wrote its binary point, or the enable bit of its group."""
        of = self.of[f.vcpu]
        of.group = f.group
        group = int(self.setting.gic_version == 3)
        of.mask = group_mask(group, f.bpr, f.bpr) & PRIORITY_MASK

    @on(facts.PriorityWritten)
    def on_priority(self, f: facts.PriorityWritten) -> None:
        """KVM carried out a write to IPRIORITYR."""
        self.irqs.of(f.owner, f.vintid).priority = f.priority

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The VM monitor reset it."""
        if f.register == "reset":
            self.irqs.of(f.owner, f.vintid).reset()

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The guest starts anew, its CPU interface as at power-on."""
        self.of[f.vcpu].reset()
