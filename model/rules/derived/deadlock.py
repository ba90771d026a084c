"""Nobody waits for good: neither for KVM, nor for what no guest and no device sends."""

from model.check.alarm import alarm
from model.check.rule import EVENTUALLY, Rule
from model.check.view import View
from model.check.views.device_work import DeviceWork
from model.check.views.finished import Finished
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guest_timers import GuestTimers
from model.check.views.handlings import Handlings
from model.check.views.ideal_gic import NO, YES, IdealGic
from model.check.views.sleepers import Sleepers
from model.check.views.virtual_enables import VirtualEnables
from model.gic.registers import FIRST_SPI
from model.identity import PTIMER, VTIMER
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["Deadlock", "WaitsInVain"]


class Waiting(View):
    """Who has not finished at rest, and whether a guest or a device has sent something for it."""

    timers: GuestTimers
    handlings: Handlings
    finished: Finished
    devices: DeviceWork
    sleepers: Sleepers
    ideal: IdealGic
    enables: VirtualEnables
    priorities: GuestPriorities

    def unfinished(self) -> list[int]:
        """Return the VCPUs whose guests have not finished, and that do not sleep on a debt."""
        return [
            v
            for v in range(self.setting.vcpus)
            if not self.is_gone(v) and not (self.sleepers.of[v].asleep and self.owed(v))
        ]

    def owed(self, v: int) -> bool:
        """Tell whether a timer or a device of VCPU ``v`` has something that its guest takes."""
        return any(self.lets_through(v, vintid) for vintid in self.sources(v))

    def sources(self, v: int) -> tuple[int, ...]:
        """Return the interrupts of those timers and devices of VCPU ``v`` that are about to come.

        One of a timer that its guest is handling is none of these.
        """
        timers = [
            vintid
            for timer, vintid in ((VTIMER, VTIMER_PPI), (PTIMER, PTIMER_PPI))
            if self.timers.is_on(v, timer) and not self.handlings.of[timer][v].now
        ]
        return (*timers, *self.devices.of[v].vintids)

    def lets_through(self, v: int, vintid: int) -> bool:
        """Tell whether the guest has it enabled, above its priorities, and is done with it."""
        irq = self.ideal.irq(v, vintid)
        if irq.active == YES or self.ideal.may_be_parked(irq):
            return False
        return not self.enables.is_disabled(v, vintid) and self.priorities.signals(v, vintid)

    def held_back(self, v: int) -> int:
        """Return an interrupt that would come but for VCPU ``v``'s guest itself, or -1."""
        coming = [
            vintid
            for w, vintid, irq in self.ideal.irqs
            if irq.pending == YES and (self.target(w, vintid) == v)
        ]
        return next((n for n in (*self.sources(v), *coming) if not self.lets_through(v, n)), -1)

    def target(self, v: int, vintid: int) -> int:
        """Return the VCPU that an interrupt of ``v``, or of the VM, goes to (-1: not certain)."""
        return self.ideal.goes_to(self.ideal.irq(v, vintid), vintid) if vintid >= FIRST_SPI else v

    def is_in_vain(self) -> bool:
        """Tell whether all that wait sleep, and nothing is, or may be, on its way to anyone."""
        waiting = self.unfinished()
        return (
            bool(waiting)
            and all(self.sleepers.of[v].asleep for v in waiting)
            and not any(self.owed(v) for v in range(self.setting.vcpus) if not self.is_gone(v))
            and not any(self.may_come(v, vintid) for v, vintid, _ in self.ideal.irqs)
        )

    def is_gone(self, v: int) -> bool:
        """Tell whether a VCPU's guest has finished: what comes for it is nobody's."""
        return self.finished.of[v].yes

    def may_come(self, v: int, vintid: int) -> bool:
        """Tell whether an interrupt is pending for one that waits, and may be enabled.

        One that a guest has cleared may be no more, whenever that was, nor one that came when
        another was pending, with which it may have been told: it must be pending certainly.
        """
        irq = self.ideal.irq(v, vintid)
        if self.ideal.is_held(v, vintid) or irq.pending != YES:
            return False
        target = self.target(v, vintid)
        if target >= 0 and self.is_gone(target):
            return False
        if not (irq.enabled & YES and irq.active & NO):
            return False
        return target < 0 or self.priorities.signals(target, vintid)


class Deadlock(Rule):
    """When nothing can go any more, every guest has finished, or sleeps on what it is owed.

    The guest's: it hangs.
    """

    id = "deadlock"
    section = "host (any)"
    title = "no execution ends with a guest unfinished and nothing that can go"
    kind = EVENTUALLY
    guest = True

    STUCK = alarm(
        "stuck",
        "VCPU {vcpu} {asleep:is awake but cannot go on|sleeps for good} and its guest has not "
        "finished",
    )

    waiting: Waiting

    def at_rest(self) -> None:
        """Name who cannot go on, unless it is the guests' own fault."""
        if self.waiting.is_in_vain():
            return
        for v in self.waiting.unfinished():
            self.report(self.STUCK, vcpu=v, asleep=self.waiting.sleepers.of[v].asleep)


class WaitsInVain(Rule):
    """A guest waits only for what somebody sends: else it is its program that is at fault.

    Nothing was sent to anyone who waits that was not taken, or could be: no timer, no device, no
    SGI, and nothing that a guest has made pending. What it has disabled or masked, or acknowledged
    and not ended, a guest does not get.
    """

    id = "waits-in-vain"
    section = "the scenario's guests"
    title = "no guest waits for what nobody sends (a fault of the guests, not of KVM)"
    kind = EVENTUALLY
    guest = True
    fault = True

    NOBODY = alarm("nobody", "guest: VCPU {vcpu} waits for what nobody sends")
    HELD = alarm(
        "held-back",
        "guest: VCPU {vcpu} waits, and does not let vINTID {vintid} through: it has disabled or "
        "masked it, or not ended what it acknowledged",
    )

    waiting: Waiting

    def at_rest(self) -> None:
        """Name who waits."""
        if self.waiting.is_in_vain():
            for v in self.waiting.unfinished():
                vintid = self.waiting.held_back(v)
                if vintid < 0:
                    self.report(self.NOBODY, vcpu=v)
                else:
                    self.report(self.HELD, vcpu=v, vintid=vintid)
