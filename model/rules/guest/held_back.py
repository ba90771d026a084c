"""A timer that is due comes to a guest that is busy (G8)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.active_states import ActiveStates
from model.check.views.deactivations import Deactivations
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.ideal_gic import IdealGic
from model.check.views.ipis import Ipis
from model.check.views.list_registers import ListRegisters
from model.check.views.running_priority import is_special
from model.identity import PTIMER, VTIMER
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["G8"]

STAYS = 6
"""In so many stays in a row, each of one instruction at least, a due timer must have come."""
WATCHED = ((VTIMER, VTIMER_PPI), (PTIMER, PTIMER_PPI))
"""The timers, and their interrupts."""


class OfVcpu(State):
    """``handling``: how many interrupts its guest has acknowledged and not completed.

    ``due`` are the timers that were due at the entry, of the stay that lasts, as bits; ``stays`` is
    how many such there were in a row.
    """

    handling: Debt[int] = 0
    due: Debt[int] = 0
    stays: Debt[int] = 0


class G8(Rule):
    """A guest need not fall asleep to get its timer's interrupt.

    It is not entered with a due timer that an active state holds back which nothing will clear; and
    it does not stay in its guest time after time with the interrupt due and let through (where a
    line may rise at any later time, with ``gic_messages=lagging``, nothing is said of that).
    """

    id = "G8"
    section = "The Architected Timer, second list (a GIC without virtualisation)"
    title = "a busy guest gets the interrupt of a timer that is due"
    guest = True

    HELD = alarm(
        "held",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with its timer due, in no List Register, and "
        "INTID {intid} active there: it is held back for as long as the guest is busy",
    )
    STAYED = alarm(
        "stayed",
        "the guest of VCPU {vcpu} ran {n} times with a timer due, and did not get its interrupt "
        "(vINTID {vintid})",
    )

    ideal: IdealGic
    timers: GuestTimers
    priorities: GuestPriorities
    guests: Guests
    lrs: ListRegisters
    active: ActiveStates
    deactivations: Deactivations
    ipis: Ipis

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)
        self.lags = self.setting.gic_messages == "lagging"

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """A guest begins to run."""
        v = f.vcpu
        of = self.of[v]
        due = 0
        for timer, vintid in WATCHED:
            if self.timers.fires(v, timer) and self.is_free(v, vintid, f.pcpu):
                if not of.handling and self.priorities.takes(v, vintid):
                    due |= 1 << vintid
                if vintid in self.setting.direct and self.is_held(f.pcpu, vintid):
                    self.report(self.HELD, vcpu=v, pcpu=f.pcpu, intid=vintid)
        of.due = 0 if self.lags else due
        if not due:
            of.stays = 0

    def is_free(self, v: int, vintid: int, c: int) -> bool:
        """Tell whether it is enabled and not handled, and has room in a List Register."""
        if not self.ideal.is_free(self.ideal.irq(v, vintid), vintid):
            return False
        return len(self.lrs.on[c].used) < self.setting.lrs

    def is_held(self, c: int, intid: int) -> bool:
        """Tell whether a timer's physical interrupt is active there for nothing."""
        if not self.active.has(c, intid) or self.deactivations.on[c].in_flight:
            return False
        if self.lrs.has_a_turn(c):
            return False
        return not self.lrs.timer(c, intid).state and not self.ipis.on[c].coming

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """It has run, with the timer due all the time."""
        of = self.of[f.vcpu]
        if not of.due or not f.instructions:
            return
        for timer, vintid in WATCHED:
            if of.due >> vintid & 1 and self.timers.fires(f.vcpu, timer):
                of.stays += 1
                if of.stays >= STAYS:
                    self.report(self.STAYED, vcpu=f.vcpu, n=STAYS, vintid=vintid)
                return
        of.stays = 0

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """It gets something."""
        v = self.guests.on[f.pcpu].vcpu
        if v >= 0 and not is_special(f.vintid):
            of = self.of[v]
            of.handling += 1
            of.due = of.stays = 0

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """It is done with it, as far as its priority goes."""
        v = self.guests.on[f.pcpu].vcpu
        if v >= 0 and self.of[v].handling:
            self.of[v].handling -= 1

    @on(facts.GuestMask, facts.GuestControl)
    def on_mask(self, f: facts.GuestMask | facts.GuestControl) -> None:
        """It lets nothing through for a while."""
        of = self.of[f.vcpu]
        for _, vintid in WATCHED:
            if of.due >> vintid & 1 and not self.priorities.takes(f.vcpu, vintid):
                of.due &= ~(1 << vintid)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """It starts anew."""
        of = self.of[f.vcpu]
        of.handling = of.due = of.stays = 0
