"""Which of its timers' interrupts a guest is handling."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.check.views.guests import Guests
from model.identity import PTIMER, VTIMER
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["TIMER_OF", "Handlings"]

TIMER_OF = {VTIMER_PPI: VTIMER, PTIMER_PPI: PTIMER}
"""Which timer an INTID is the interrupt of."""


class OfVcpu(State):
    """``now`` says that the guest acknowledged the timer's interrupt and has not deactivated it."""

    now: bool = False


class Handlings(View):
    """``of[timer][v].now``: VCPU ``v``'s guest acknowledged that interrupt, not yet deactivated."""

    trusts = (
        "an emulated deactivation is the guest's own, taken from the claim because it names the "
        "interrupt that EOIcount does not"
    )

    guests: Guests

    def setup(self) -> None:
        """Make the states."""
        ptimers = self.each_vcpu(OfVcpu, "ptimer")
        vtimers = self.each_vcpu(OfVcpu, "vtimer")
        self.of = (ptimers, vtimers) if PTIMER < VTIMER else (vtimers, ptimers)

    @on(facts.AckedByGuest)
    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        """A guest acknowledged an interrupt."""
        if f.vintid in TIMER_OF and (v := self.guests.on[f.pcpu].vcpu) >= 0:
            self.of[TIMER_OF[f.vintid]][v].now = True

    @on(facts.DeactivatedByGuest)
    def on_guest_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        """It deactivated one."""
        if f.vintid in TIMER_OF and (v := self.guests.on[f.pcpu].vcpu) >= 0:
            self.of[TIMER_OF[f.vintid]][v].now = False

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """A write to DIR that traps deactivates nothing before KVM does so for the guest."""
        if f.cause == "dir" and f.vintid in TIMER_OF:
            self.of[TIMER_OF[f.vintid]][f.vcpu].now = False

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The guest starts anew."""
        for timer in self.of:
            timer[f.vcpu].now = False
