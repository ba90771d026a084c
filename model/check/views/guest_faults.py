"""What guests do at their CPU interfaces that the architecture leaves UNPREDICTABLE.

A write to EOIR must name what the last valid read of IAR gave that has not been completed since
(IHI0069 ICC_EOIR1_EL1, IHI0048 GICC_EOIR). In a GICv2 a write to DIR must follow that to EOIR, and
there must be an EOImode in which it counts; a GICv3 defines both (IHI0069 ICC_DIR_EL1).
"""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Debt
from model.check.view import View
from model.check.views.guests import Guests
from model.check.views.running_priority import is_special

__all__ = ["NOTHING", "RIGHT", "GuestFaults"]

NOTHING, RIGHT = -1, -2
"""What should have been completed instead: nothing; that is what should have been."""


class OfVcpu(State):
    """``acked``: what its guest acknowledged and has not completed, the last at the end."""

    acked: tuple[int, ...] = ()


class Vm(State):
    """``at_fault``: a guest did so; what becomes of the VM from there on is nobody else's fault.

    ``expected`` is what the last write to EOIR should have named, or RIGHT; ``misplaced`` says that
    the last write to DIR was not in its place.
    """

    at_fault: Debt[bool] = False
    expected: int = RIGHT
    misplaced: bool = False


class GuestFaults(View):
    """``vm.at_fault``: a guest broke the rules of its CPU interface."""

    trusts = "that a GICv2's DIR trapped is told where the guest wrote it: today it always does"

    guests: Guests

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)
        self.vm = self.one(Vm, "vm")

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """A valid read of IAR."""
        v = self.guests.on[f.pcpu].vcpu
        if v >= 0 and not is_special(f.vintid):
            of = self.of[v]
            of.acked = (*of.acked, f.vintid)

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """A write to EOIR."""
        v = self.guests.on[f.pcpu].vcpu
        if v < 0:
            return
        of, vm = self.of[v], self.vm
        if of.acked and of.acked[-1] == f.vintid:
            of.acked = of.acked[:-1]
            vm.expected = RIGHT
        else:
            vm.expected = of.acked[-1] if of.acked else NOTHING
            vm.at_fault = True

    @on(facts.Trapped)
    def on_dir(self, f: facts.Trapped) -> None:
        """A write to DIR that traps: any of a GICv2's guest."""
        if self.setting.gic_version == 2:
            vm = self.vm
            vm.misplaced = not self.setting.eoimode or f.vintid in self.of[f.vcpu].acked
            vm.at_fault |= vm.misplaced

    @on(facts.DeactivatedByGuest)
    def on_untrapped(self, f: facts.DeactivatedByGuest) -> None:
        """One that does not trap (4.14), and finds its List Register."""
        if self.setting.gic_version == 2 and self.setting.eoimode:
            vm, v = self.vm, self.guests.on[f.pcpu].vcpu
            vm.misplaced = v >= 0 and f.vintid in self.of[v].acked
            vm.at_fault |= vm.misplaced

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """It starts anew."""
        self.of[f.vcpu].acked = ()
