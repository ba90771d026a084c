"""What follows from the timer's section: no spurious interrupt, and off at a change of hands."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.fired_timers import FiredTimers
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.hw_timers import HwTimers
from model.identity import PTIMER
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["I7", "I15"]


class OfVcpu(State):
    """``pended``: its physical timer's interrupt was made pending by ISPENDR, and not taken."""

    pended: bool = False


class I7(Rule):
    """No spurious timer interrupt: the line was high since it was last lowered or deactivated.

    What was rightly pending in a List Register at the entry is legal even if the line fell since:
    it cannot be taken back without an exit. Each write to the physical timer is an exit: its
    interrupt is acknowledged only while it is due, never early, or once for an ISPENDR. The
    guest's: it is spurious.
    """

    id = "I7"
    section = "Edge and Level, paragraph 2 (derived)"
    title = "a guest acknowledges its timer only if it has fired since it was silenced"
    guest = True

    PTIMER = alarm(
        "ptimer",
        "the guest of VCPU {vcpu} acknowledged a physical timer interrupt on CPU {pcpu} at {now} "
        "ns, but that timer does not fire (CTL {ctl}, {due} ns)",
    )
    SILENT = alarm(
        "silent",
        "the guest of VCPU {vcpu} acknowledged a timer interrupt on CPU {pcpu}, but its timer has "
        "not fired since the guest silenced it",
    )

    timers: GuestTimers
    guests: Guests
    fired: FiredTimers

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu, "ptimer")

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """A guest may make its timer's interrupt pending by itself."""
        if f.vintid == PTIMER_PPI and f.register == "pending" and f.value == 1:
            self.of[f.owner].pended = True

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """Its guest starts anew."""
        self.of[f.vcpu].pended = False

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """A guest gets one of its timers' interrupts."""
        vintid = f.vintid
        if vintid not in (VTIMER_PPI, PTIMER_PPI):
            return
        v = self.guests.on[f.pcpu].vcpu
        if v < 0:
            return
        if vintid in self.fired.direct:
            of = self.fired.direct[vintid][v]
            if not of.presented and not of.fired:
                self.report(self.SILENT, vcpu=v, pcpu=f.pcpu)
        elif self.timers.fires(v, PTIMER):
            return
        elif self.of[v].pended:
            self.of[v].pended = False
        else:
            timer, now = self.timers.physical[v], self.timers.clock.time.now
            self.report(
                self.PTIMER, vcpu=v, pcpu=f.pcpu, now=now, ctl=timer.ctl, due=timer.deadline
            )


class I15(Rule):
    """The hardware timer is off unless it belongs to the VCPU that has the CPU."""

    id = "I15"
    section = "The Architected Timer, paragraph 1 (derived)"
    title = "a CPU changes hands only with the timers off that guests have there"

    STILL_ON = alarm(
        "still-on",
        "VCPU {vcpu} got CPU {pcpu} while the timer there still runs for VCPU {owner}",
    )

    hw_timers: HwTimers

    @on(facts.Placed)
    def on_placed(self, f: facts.Placed) -> None:
        """A thread gets a CPU."""
        for cpus in self.hw_timers.holders.values():
            owner = cpus[f.pcpu].vcpu
            if owner >= 0:
                self.report(self.STILL_ON, vcpu=f.vcpu, pcpu=f.pcpu, owner=owner)
