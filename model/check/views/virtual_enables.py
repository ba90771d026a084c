"""Which virtual interrupts are enabled, and where SPIs are routed, as KVM carried it out."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.table import Keys, Table, add, drop, get, has, put, remove
from model.check.view import View
from model.check.views.distributor_switch import DistributorSwitch
from model.check.views.guest_masks import GuestMasks
from model.gic.registers import FIRST_SPI
from model.messages import VTIMER_PPI

__all__ = ["VirtualEnables"]


class Enables(State):
    """``disabled`` by owner (-1: the VM, of an SPI) and vINTID; ``targets`` of SPIs by vINTID."""

    disabled: Keys[tuple[int, int]] = ()
    targets: Table[int, int] = ()


class VirtualEnables(View):
    """``vm.disabled`` are the interrupts disabled, ``vm.targets`` where SPIs were routed to."""

    trusts = (
        "it says what KVM takes for enabled and routed, and is asked for nothing else; what the "
        "guest itself wrote is IdealGic's, whose rules (G1, G2, G5, G9) tell of a write that "
        "was only claimed"
    )

    masks: GuestMasks
    switch: DistributorSwitch

    def setup(self) -> None:
        """Make the state."""
        self.vm = self.one(Enables)

    def is_enabled(self, v: int, vintid: int) -> bool:
        """Tell whether the guest has a virtual interrupt enabled, and routed to VCPU ``v``."""
        if not self.switch.forwards(v, vintid):
            return False
        vm = self.vm
        if vintid >= FIRST_SPI:
            return get(vm.targets, vintid, v) == v and not has(vm.disabled, (-1, vintid))
        if vintid == VTIMER_PPI and not self.masks.of[v].timer_enabled:
            return False
        return not has(vm.disabled, (v, vintid))

    def is_disabled(self, v: int, vintid: int) -> bool:
        """Tell whether the guest has a virtual interrupt disabled, wherever it is routed to.

        All are while the distributor is off, and LPIs while they are disabled as a whole.
        """
        if not self.switch.forwards(v, vintid):
            return True
        if vintid >= FIRST_SPI:
            return has(self.vm.disabled, (-1, vintid))
        return not self.is_enabled(v, vintid)

    def lets_through(self, v: int, vintid: int = VTIMER_PPI) -> bool:
        """Tell whether the guest would take its timer's interrupt (or the physical timer's)."""
        if vintid == VTIMER_PPI:
            return (
                self.switch.is_on() and self.masks.of[v].timer_enabled and self.masks.takes_irqs(v)
            )
        return self.is_enabled(v, vintid) and self.masks.takes_irqs(v)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """KVM carried out a write to an enable register, or a reset."""
        vm = self.vm
        which = (-1 if f.vintid >= FIRST_SPI else f.owner, f.vintid)
        if f.register == "icenabler":
            vm.disabled = add(vm.disabled, which)
        elif f.register == "isenabler":
            vm.disabled = remove(vm.disabled, which)
        elif f.register == "reset":
            vm.disabled = remove(vm.disabled, which)
            vm.targets = drop(vm.targets, f.vintid)

    @on(facts.Retargeted)
    def on_retarget(self, f: facts.Retargeted) -> None:
        """An SPI goes elsewhere from here on."""
        self.vm.targets = put(self.vm.targets, f.vintid, f.target)
