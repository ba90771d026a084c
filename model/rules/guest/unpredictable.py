"""A guest keeps to the rules of its CPU interface: what it breaks is its own fault."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.guest_faults import NOTHING, RIGHT, GuestFaults
from model.check.views.guests import Guests

__all__ = ["NoAcknowledge", "Unpredictable"]


class Unpredictable(Rule):
    """A guest completes what it acknowledged last, and in a GICv2 before it deactivates it.

    Anything else is UNPREDICTABLE: the guest is at fault, and no more is said of what KVM makes of
    it. That a guest forgets to complete or to deactivate is its own business: it then waits for
    what it does not let through.
    """

    id = "unpredictable"
    section = "the scenario's guests (IHI0069 ICC_EOIR1_EL1; IHI0048 GICC_EOIR, GICC_DIR)"
    title = "no guest does at its CPU interface what is UNPREDICTABLE (a fault of the guests)"
    guest = True
    fault = True
    trusts = "that a GICv2's DIR trapped is told where the guest wrote it: it always does"

    UNASKED = alarm(
        "unasked",
        "guest: VCPU {vcpu} wrote EOIR for vINTID {vintid} and had acknowledged nothing that it "
        "had not completed",
    )
    ORDER = alarm(
        "order",
        "guest: VCPU {vcpu} wrote EOIR for vINTID {vintid}, and vINTID {last} was what it had "
        "acknowledged last",
    )
    DIR = alarm(
        "dir",
        "guest: VCPU {vcpu} wrote GICV_DIR for vINTID {vintid} in EOImode {eoimode}, with no write "
        "to EOIR for it before",
    )

    faults: GuestFaults
    guests: Guests

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """A guest writes EOIR."""
        last = self.faults.vm.expected
        if last == RIGHT:
            return
        v = self.guests.on[f.pcpu].vcpu
        if last == NOTHING:
            self.report(self.UNASKED, vcpu=v, vintid=f.vintid)
        else:
            self.report(self.ORDER, vcpu=v, vintid=f.vintid, last=last)

    @on(facts.Trapped)
    def on_dir(self, f: facts.Trapped) -> None:
        """A guest of a GICv2 writes DIR, which today always traps."""
        if self.faults.vm.misplaced:
            self.report(self.DIR, vcpu=f.vcpu, vintid=f.vintid, eoimode=self.setting.eoimode)

    @on(facts.DeactivatedByGuest)
    def on_untrapped(self, f: facts.DeactivatedByGuest) -> None:
        """It does not trap (4.14), and finds its List Register."""
        if self.setting.eoimode and self.faults.vm.misplaced:
            v = self.guests.on[f.pcpu].vcpu
            self.report(self.DIR, vcpu=v, vintid=f.vintid, eoimode=self.setting.eoimode)


class NoAcknowledge(Rule):
    """A handler acknowledges what it is called for, or it is called again and again for that."""

    id = "no-acknowledge"
    section = "the scenario's guests (IHI0069 4.1.1)"
    title = "a guest's handler reads IAR in the end (a fault of the guests)"
    guest = True
    fault = True

    STORM = alarm(
        "storm",
        "guest: the handler of VCPU {vcpu} was called {n} times in a row and acknowledged nothing",
    )

    @on(facts.NeverAcknowledges)
    def on_storm(self, f: facts.NeverAcknowledges) -> None:
        """It does not."""
        self.report(self.STORM, vcpu=f.vcpu, n=f.n)
