"""How lines and edges reach the CPU (section "Forwarded Edge and Level Triggered PPIs and SPIs").

What of that section concerns the active state at an entry is in ``entered_active``.
"""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.views.active_states import ActiveStates
from model.check.views.guests import Guests
from model.check.views.lines import Lines
from model.check.views.pins import Pins
from model.check.views.timer_levels import TimerLevels
from model.check.views.to_signal import LevelsToSignal
from model.gic.registers import FIRST_LPI, SPURIOUS

__all__ = ["R16", "R17", "R18", "R19", "R22"]


class R16(Rule):
    """A level interrupt that is not active stays pending while its line is high.

    Nothing but the acknowledge takes it away from an idle CPU: no write to ICPENDR, and no access
    that is about something else.
    """

    id = "R16"
    section = "Edge and Level, paragraph 2"
    title = "a level interrupt stays pending as long as its line is high, whatever is written"
    hardware = True

    SIGNAL = alarm(
        "signal",
        "the line of INTID {intid} is high and it is not active, but CPU {pcpu}, idle, was "
        "signalled it no more",
    )
    ACK = alarm(
        "acknowledge",
        "the line of INTID {intid} is high and it is not active, but CPU {pcpu}, idle, could not "
        "acknowledge it",
    )

    to_signal: LevelsToSignal

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether what is pending is delivered: neither wedged by an erratum, nor masked."""
        return setting.lr_on_guest_deactivate != "erratum" and not setting.masks

    @on(facts.Signalled)
    def on_signal(self, f: facts.Signalled) -> None:
        """The CPU's input falls only if nothing is left for it."""
        if not f.level and (intid := self.to_signal.first(f.pcpu)) >= 0:
            self.report(self.SIGNAL, pcpu=f.pcpu, intid=intid)

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """An acknowledge is empty only if nothing is left to take."""
        if f.intid == SPURIOUS and (intid := self.to_signal.first(f.pcpu)) >= 0:
            self.report(self.ACK, pcpu=f.pcpu, intid=intid)


class Due(State):
    """``now``: the guest there is to be left at once."""

    now: bool = False


class R17(Rule):
    """A physical interrupt that the CPU sees forces the exit before the next instruction."""

    id = "R17"
    section = "Edge and Level, paragraph 2"
    title = "with its IRQ input high a CPU executes no guest instruction"
    hardware = True

    WENT_ON = alarm(
        "went-on", "the guest on CPU {pcpu} went on although the CPU had an interrupt to take"
    )

    guests: Guests
    pins: Pins

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Due)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """With its input high it has nothing to do in the guest."""
        self.on[f.pcpu].now = self.pins.on[f.pcpu].high

    @on(facts.Signalled)
    def on_signal(self, f: facts.Signalled) -> None:
        """The input rises in the guest."""
        self.on[f.pcpu].now = f.level and self.guests.on[f.pcpu].vcpu >= 0

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """The exit is for the interrupt; for another reason, an instruction was executed."""
        on_cpu = self.on[f.pcpu]
        due, on_cpu.now = on_cpu.now, False
        if f.reason not in ("irq", "") and due:
            self.report(self.WENT_ON, pcpu=f.pcpu)

    @on(facts.GuestTimer, facts.GuestWfi, facts.GuestMask, facts.DeviceServed)
    def on_guest(
        self, f: facts.GuestTimer | facts.GuestWfi | facts.GuestMask | facts.DeviceServed
    ) -> None:
        """A guest does something."""
        c = self.guests.of[f.vcpu].pcpu
        if c >= 0:
            self.check(c)

    @on(facts.AckedByGuest, facts.Completed, facts.DeactivatedByGuest)
    def on_access(self, f: facts.AckedByGuest | facts.Completed | facts.DeactivatedByGuest) -> None:
        """So it does with an access to its CPU interface."""
        self.check(f.pcpu)

    def check(self, c: int) -> None:
        """Complain, once, of a guest that was to be left."""
        on_cpu = self.on[c]
        due, on_cpu.now = on_cpu.now, False
        if due:
            self.report(self.WENT_ON, pcpu=c)


class Taken(State):
    """``again``: the host may take the timer's interrupt there once more.

    ``asked``: a guest has deactivated it there, which KVM may have to carry out.
    """

    again: bool = True
    asked: bool = False


class R18(Rule):
    """A high line does not interrupt the CPU over and over: the active state holds it back.

    Era ``v4.14``: with the level computed high, the active state is set at entry. Era ``v7.2``: the
    host may take it once per assertion.
    """

    id = "R18"
    section = "Edge and Level, paragraph 2"
    title = "an asserted line is held back by the active state: at most one host interrupt for it"

    ENTERED = alarm(
        "entered",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with its timer's line high and the interrupt "
        "not active: it will exit at once, again and again",
    )
    TAKEN = alarm(
        "taken-again",
        "CPU {pcpu} took INTID {intid} again while its line stayed high and no guest had "
        "deactivated it",
    )

    levels: TimerLevels
    active: ActiveStates
    guests: Guests

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether it is the active state that holds a line back, and no mask."""
        return not setting.masks

    def setup(self) -> None:
        """Make the states."""
        self.on = self.direct_pcpus(Taken)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Era ``v4.14``: the active state is set."""
        high = self.levels.of[f.vcpu].high
        if self.era == "v4.14" and high and not self.active.has(f.pcpu):
            self.report(self.ENTERED, vcpu=f.vcpu, pcpu=f.pcpu)

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """Once is enough."""
        if f.intid in self.on:
            on_cpu = self.on[f.intid][f.pcpu]
            again, on_cpu.again = on_cpu.again, False
            if not again:
                self.report(self.TAKEN, pcpu=f.pcpu, intid=f.intid)

    @on(facts.LineChanged)
    def on_line(self, f: facts.LineChanged) -> None:
        """It is asserted anew."""
        if f.intid in self.on and f.level:
            self.on[f.intid][f.pcpu].again = True

    @on(facts.DeactivationArrived)
    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        """The guest deactivated it: the line is sampled again."""
        if f.intid in self.on:
            self.on[f.intid][f.pcpu].again = True

    @on(facts.DeactivatedByGuest)
    def on_guest(self, f: facts.DeactivatedByGuest) -> None:
        """The guest did so, perhaps outside the List Registers (EOIcount)."""
        if f.vintid in self.on:
            self.on[f.vintid][f.pcpu].asked = True

    @on(facts.GuestAccess)
    def on_trap(self, f: facts.GuestAccess) -> None:
        """Its DIR trapped."""
        c = self.guests.of[f.vcpu].pcpu
        if f.vintid in self.on and f.register == "active" and c >= 0 and f.owner == f.vcpu:
            self.on[f.vintid][c].asked = True

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """What KVM deactivates is the guest's deactivation, if there was one."""
        if f.intid in self.on and not f.after:
            on_cpu = self.on[f.intid][f.pcpu]
            on_cpu.again |= on_cpu.asked
            on_cpu.asked = False

    @on(facts.PhysActiveWritten)
    def on_write(self, f: facts.PhysActiveWritten) -> None:
        """KVM changed what holds it back, or tried to."""
        if f.intid in self.on:
            self.on[f.intid][f.pcpu].again = True


class R19(Rule):
    """Deactivation samples the line again: taken again only if it is asserted (if: see L1)."""

    id = "R19"
    section = "Edge and Level, paragraph 2"
    title = "the host takes a level interrupt only while its line is asserted"
    hardware = True

    LOW = alarm("line-low", "CPU {pcpu} took INTID {intid} although its line was not asserted")

    lines: Lines

    def setup(self) -> None:
        """Find which interrupts are level-sensitive."""
        self.levels = (*self.setting.direct, *(x.intid for x in self.setting.forwards if x.level))

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """Its line is asserted."""
        if f.intid in self.levels and not self.lines.has(f.pcpu, f.intid):
            self.report(self.LOW, pcpu=f.pcpu, intid=f.intid)


class R22(Rule):
    """An edge that is forwarded is linked: what follows meanwhile waits in the distributor."""

    id = "R22"
    section = "Edge and Level, paragraph 3"
    title = "a forwarded edge-triggered SPI is presented with the HW bit, always"

    UNLINKED = alarm(
        "unlinked",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid} without the HW bit, though it stands "
        "for INTID {intid}, a forwarded edge",
    )

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether there is such an SPI."""
        return any(not x.level and x.intid < FIRST_LPI for x in setting.forwards)

    def setup(self) -> None:
        """Find those."""
        edges = [x for x in self.setting.forwards if not x.level and x.intid < FIRST_LPI]
        self.edges = {x.vintid: x.intid for x in edges}

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """It is presented with the HW bit."""
        lr = f.after
        if lr.state and not lr.hw and lr.vintid in self.edges:
            self.report(
                self.UNLINKED,
                pcpu=f.pcpu,
                index=f.index,
                vintid=lr.vintid,
                intid=self.edges[lr.vintid],
            )
