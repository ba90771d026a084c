"""The guests' timers, as they programmed them."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.check.views.clock import Clock
from model.identity import PTIMER, VTIMER
from model.timer import ENABLE

__all__ = ["GuestTimers", "Programmed"]


class Programmed(State):
    """A timer as its guest sees it: CTL, CVAL in its own count, the same moment in virtual ns."""

    ctl: int = 0
    cval: int = 0
    deadline: int = 0


class Anew(State):
    """``yes``: the VCPU was reset, and has not entered its guest since."""

    yes: bool = False


class GuestTimers(View):
    """``of[timer][v]``: timer VTIMER or PTIMER of VCPU ``v``, as its guest programmed it.

    What is written to a timer between a reset and the next entry no guest has written: it is off.
    """

    clock: Clock

    def setup(self) -> None:
        """Make the states."""
        ptimers = self.each_vcpu(Programmed, "ptimer")
        vtimers = self.each_vcpu(Programmed, "vtimer")
        self.of = (ptimers, vtimers) if PTIMER < VTIMER else (vtimers, ptimers)
        self.virtual, self.physical = vtimers, ptimers
        self.anew = self.each_vcpu(Anew, "anew")

    def is_on(self, v: int, timer: int = VTIMER) -> bool:
        """Tell whether the timer is enabled and not masked."""
        return self.of[timer][v].ctl == ENABLE

    def fires(self, v: int, timer: int = VTIMER) -> bool:
        """Tell whether the timer asserts its interrupt now."""
        programmed = self.of[timer][v]
        return programmed.ctl == ENABLE and self.clock.time.now >= programmed.deadline

    def due(self, v: int) -> int:
        """Return when the first of the guest's two timers fires, in virtual nanoseconds.

        If neither is on, the virtual timer's deadline.
        """
        virtual, physical = self.virtual[v], self.physical[v]
        if physical.ctl != ENABLE:
            return virtual.deadline
        if virtual.ctl != ENABLE:
            return physical.deadline
        return min(virtual.deadline, physical.deadline)

    @on(facts.GuestTimer)
    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        """A guest programmed one of its timers."""
        if self.anew[f.vcpu].yes:
            return
        programmed = self.of[f.timer][f.vcpu]
        programmed.ctl = f.ctl
        programmed.cval = f.cval
        programmed.deadline = f.deadline

    @on(facts.CounterMoved)
    def on_counter(self, f: facts.CounterMoved) -> None:
        """What it programmed in its own count comes at another time."""
        self.virtual[f.vcpu].deadline += f.shift

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """Its guest starts anew, with its timers off, whatever was done about that."""
        self.anew[f.vcpu].yes = True
        for timers in self.of:
            programmed = timers[f.vcpu]
            programmed.ctl = programmed.cval = programmed.deadline = 0

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """From here on its guest may write."""
        self.anew[f.vcpu].yes = False
