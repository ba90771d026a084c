"""Whether a guest may rightly get its virtual timer's interrupt."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.list_registers import ListRegisters
from model.gic.lr import PENDING
from model.identity import VTIMER
from model.messages import VTIMER_PPI

__all__ = ["FiredTimers"]


class OfVcpu(State):
    """``fired``: its line was high, or the guest made it pending, since it was last over.

    It is over when the line is lowered or the interrupt deactivated. ``presented``: it was rightly
    pending in a List Register at the last entry.
    """

    fired: bool = False
    presented: bool = False


class FiredTimers(View):
    """``of[v].fired`` and ``of[v].presented``, of VCPU ``v``'s virtual timer."""

    trusts = (
        "a deactivation that KVM emulates is the guest's own; that it did so is seen by G4 and G6"
    )

    timers: GuestTimers
    guests: Guests
    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Ticked)
    def on_tick(self, _f: facts.Ticked) -> None:
        """Time moved: timers may have fired."""
        fires = self.timers.fires
        for v, of in enumerate(self.of):
            if fires(v):
                of.fired = True

    @on(facts.GuestTimer)
    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        """The guest programmed it: only what it does from here on counts."""
        if f.timer == VTIMER:
            self.of[f.vcpu].fired = self.timers.fires(f.vcpu)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """A guest may make its timer's interrupt pending by itself."""
        if f.vintid == VTIMER_PPI and f.register == "ispendr":
            self.of[f.owner].fired = True

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is in a List Register now cannot be taken back without an exit."""
        of = self.of[f.vcpu]
        of.presented = self.lrs.timer(f.pcpu).state == PENDING and of.fired

    @on(facts.DeactivatedByGuest)
    def on_guest_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        """A line still high after the guest's handler fires again."""
        if f.vintid == VTIMER_PPI and (v := self.guests.on[f.pcpu].vcpu) >= 0:
            self.of[v].fired = self.timers.fires(v)

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """KVM carries out a DIR that trapped."""
        if f.cause == "dir" and f.vintid == VTIMER_PPI:
            self.of[f.vcpu].fired = self.timers.fires(f.vcpu)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The guest starts anew."""
        self.of[f.vcpu].presented = False
