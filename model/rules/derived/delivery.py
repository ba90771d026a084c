"""What is owed to a guest in the end: its interrupts, and its wake-up."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.device_work import DeviceWork
from model.check.views.finished import Finished
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guest_timers import GuestTimers
from model.check.views.handlings import Handlings
from model.check.views.ideal_gic import YES, IdealGic
from model.check.views.sleepers import Sleepers
from model.check.views.virtual_enables import VirtualEnables
from model.identity import BG_TIMER, PTIMER, VTIMER
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["L1", "L5"]


class L1(Rule):
    """Each interrupt of a timer or a device that the guest lets through is delivered.

    The guest's: what is due to it and does not come, it misses.
    """

    id = "L1"
    section = "introduction (delivery)"
    title = "a guest that lets an interrupt through gets it"
    kind = EVENTUALLY
    guest = True

    TIMER = alarm("timer", "the timer interrupt of VCPU {vcpu}, due at {due} ns")
    PTIMER = alarm("ptimer", "the physical timer interrupt of VCPU {vcpu}, due at {due} ns")
    DEVICE = alarm("device", "the interrupt of VCPU {vcpu}'s device with vINTID {vintid}")

    timers: GuestTimers
    handlings: Handlings
    finished: Finished
    priorities: GuestPriorities
    enables: VirtualEnables
    devices: DeviceWork
    ideal: IdealGic

    def at_rest(self) -> None:
        """Name what the guests let through and did not get."""
        for v in range(self.setting.vcpus):
            if self.finished.of[v].yes:
                continue
            for timer, vintid, what in (
                (VTIMER, VTIMER_PPI, self.TIMER),
                (PTIMER, PTIMER_PPI, self.PTIMER),
            ):
                owed = self.timers.is_on(v, timer) and not self.handlings.of[timer][v].now
                if owed and self.lets_through(v, vintid):
                    self.report(what, vcpu=v, due=self.timers.of[timer][v].deadline)
            for vintid in self.devices.of[v].vintids:
                if self.lets_through(v, vintid):
                    self.report(self.DEVICE, vcpu=v, vintid=vintid)

    def lets_through(self, v: int, vintid: int) -> bool:
        """Tell whether the guest has it enabled, would take it, and has ended the last one."""
        irq = self.ideal.irq(v, vintid)
        if irq.active == YES or self.ideal.may_be_parked(irq):
            return False
        return not self.enables.is_disabled(v, vintid) and self.priorities.takes(v, vintid)


class Fired(State):
    """``yes``: its soft timer fired while it slept, and nobody has woken it since."""

    yes: Debt[bool] = False


class L5(Rule):
    """A soft timer that fires wakes its VCPU."""

    id = "L5"
    section = "The Architected Timer, first list, step 8"
    title = "the soft timer of a sleeping VCPU wakes it when it fires"
    kind = EVENTUALLY

    ASLEEP = alarm("asleep", "VCPU {vcpu} sleeps on although its soft timer fired")

    sleepers: Sleepers

    def setup(self) -> None:
        """Make the states."""
        self.fired = self.each_vcpu(Fired)

    @on(facts.Expired)
    def on_expired(self, f: facts.Expired) -> None:
        """A sleeper's timer fired."""
        if f.timer == BG_TIMER and not f.early and self.sleepers.of[f.vcpu].asleep:
            self.fired[f.vcpu].yes = True

    @on(facts.Woken, facts.Unblocked)
    def on_wake(self, f: facts.Woken | facts.Unblocked) -> None:
        """The sleeper goes on."""
        self.fired[f.vcpu].yes = False

    def at_rest(self) -> None:
        """Name who was not woken."""
        for v, fired in enumerate(self.fired):
            if fired.yes and self.sleepers.of[v].asleep:
                self.report(self.ASLEEP, vcpu=v)
