"""Whether a guest may rightly get the interrupt of a timer that it has in hardware."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.handlings import TIMER_OF
from model.check.views.list_registers import ListRegisters
from model.gic.lr import PENDING
from model.timer import TIMER_PPIS, VTIMER_PPI

__all__ = ["FiredTimers"]


class OfVcpu(State):
    """``fired``: its line was high, or the guest made it pending, since it was last over.

    It is over when the line is lowered or the interrupt deactivated. ``presented``: it was rightly
    pending in a List Register at the last entry. ``latched``: what the guest made pending stays so,
    whatever its timer does, until it is acknowledged or cleared.
    """

    fired: bool = False
    presented: bool = False
    latched: bool = False


class FiredTimers(View):
    """``of[v].fired`` and ``of[v].presented``, of VCPU ``v``'s virtual timer.

    ``direct[intid]`` has the same of each timer that guests have in hardware.
    """

    trusts = (
        "a deactivation that KVM emulates is the guest's own; that it did so is seen by G4 and G6"
    )

    timers: GuestTimers
    guests: Guests
    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.direct = self.direct_vcpus(OfVcpu)
        self.of = self.direct[VTIMER_PPI]

    @on(facts.Ticked)
    def on_tick(self, _f: facts.Ticked) -> None:
        """Time moved: timers may have fired."""
        fires = self.timers.fires
        for intid, timers in self.direct.items():
            timer = TIMER_OF[intid]
            for v, of in enumerate(timers):
                if fires(v, timer):
                    of.fired = True

    @on(facts.GuestTimer)
    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        """The guest programmed it: only what it does from here on counts."""
        timers = self.direct.get(TIMER_PPIS[f.timer])
        if timers is not None:
            of = timers[f.vcpu]
            of.fired = of.latched or self.timers.fires(f.vcpu, f.timer)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """A guest may make its timer's interrupt pending by itself."""
        if f.vintid not in self.direct:
            return
        of = self.direct[f.vintid][f.owner]
        if f.register == "ispendr":
            of.fired = of.latched = True
        elif f.register == "icpendr":
            of.latched = False

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """That ends what the guest made pending."""
        if f.vintid in self.direct and (v := self.guests.on[f.pcpu].vcpu) >= 0:
            self.direct[f.vintid][v].latched = False

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is in a List Register now cannot be taken back without an exit."""
        for intid, timers in self.direct.items():
            of = timers[f.vcpu]
            of.presented = self.lrs.timer(f.pcpu, intid).state == PENDING and of.fired

    @on(facts.DeactivatedByGuest)
    def on_guest_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        """A line still high after the guest's handler fires again."""
        if f.vintid in self.direct and (v := self.guests.on[f.pcpu].vcpu) >= 0:
            self.direct[f.vintid][v].fired = self.timers.fires(v, TIMER_OF[f.vintid])

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """KVM carries out a DIR that trapped."""
        if f.cause == "dir" and f.vintid in self.direct:
            self.direct[f.vintid][f.vcpu].fired = self.timers.fires(f.vcpu, TIMER_OF[f.vintid])

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The guest starts anew."""
        for timers in self.direct.values():
            timers[f.vcpu].presented = timers[f.vcpu].latched = False
