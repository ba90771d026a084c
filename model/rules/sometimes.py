"""States that scenarios exist to reach: named claims of kind "sometimes".

A campaign that never reached a state its scenario lists proves nothing about it, and is
inconclusive. They read the same facts as the rules.
"""

from model import facts
from model.check.listener import Listener, on
from model.check.state import State
from model.check.table import Keys, add, remove
from model.check.views.active_states import ActiveStates
from model.check.views.deactivations import Deactivations
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.lines import Lines
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.check.views.pins import Pins
from model.check.views.sleepers import Sleepers
from model.check.views.soft_timers import SoftTimers
from model.gic.lr import ACTIVE, PENDING
from model.gic.registers import FIRST_SPI, HCR_UIE, SPECIAL
from model.identity import BG_TIMER, PTIMER
from model.messages import MAINTENANCE_PPI, VTIMER_PPI
from model.rules.state_names import BIT, NAMES
from model.rules.stimuli import Stimulated
from model.rules.windows import Seen
from model.timer import ENABLE, PTIMER_PPI

__all__ = ["NAMES", "STATES", "Reached", "Seen"]

VTIMER_BIT = 1 << VTIMER_PPI
MAINTENANCE_BIT = 1 << MAINTENANCE_PPI

ARMED = BIT["slept with the timer armed"]
SOFT_WOKE = BIT["soft timer woke the thread"]
UNFIRED = BIT["injected without a host interrupt"]
HOST_INJECTED = BIT["host handler injected"]
FORCED = BIT["the timer forced an exit"]
ACKED = BIT["guest acknowledged"]
NESTED = BIT["interrupt while one is active"]
MOVED_PENDING = BIT["moved while pending"]
MOVED_ACTIVE = BIT["moved while active"]
TURNS = BIT["two VCPUs took turns on a CPU"]
USER = BIT["returned to user space"]
DEVICE_ACKED = BIT["guest acknowledged a device"]
ELSEWHERE = BIT["host handled a device on another CPU"]
EDGE_ACTIVE = BIT["edge while active"]
EVENT_HANDLING = BIT["event while the guest handles one"]
KICKED_OUT = BIT["a kick forced the guest out"]
FOLD_RACE = BIT["deactivation in flight at fold"]
OVERFLOWN = BIT["more interrupts than List Registers"]
DEEP = BIT["nested handlers"]
OUTSIDE = BIT["completed outside the List Registers"]
MAINTAINED = BIT["a maintenance interrupt forced an exit"]
TRAPPED = BIT["a DIR trapped"]
ASYMMETRIC = BIT["deactivated by another VCPU"]
SGI = BIT["an SGI arrived"]
HALTED = BIT["guests were halted"]
RETARGETED = BIT["an SPI moved to another VCPU"]
RESET_ACTIVE = BIT["reset while an interrupt was active"]
PTIMER_ACKED = BIT["guest acknowledged its physical timer"]
PTIMER_ALONE = BIT["slept with the physical timer alone armed"]
SOFT_FORCED = BIT["a soft timer forced an exit"]
REARMED = BIT["the physical timer was programmed again while armed"]
RESTORED = BIT["restored with an interrupt pending or active"]
NOTIFIED = BIT["the end of a level was notified"]
RAISED_AGAIN = BIT["a line was raised again after its end"]


class OfVcpu(State):
    """What happened to a VCPU so far.

    ``fired``: its soft timer fired and has woken nobody yet; ``acked``: the host took its timer's
    interrupt; ``held`` is the state of that interrupt, as KVM saw it last; ``depth`` counts the
    interrupts that its guest has acknowledged and not completed; ``active`` are those that the last
    folds found active; ``saved``: something pending or active was; ``ctl`` is its physical timer's;
    ``kicker`` is the CPU that was about to kick it (-1: none).
    """

    fired: bool = False
    acked: bool = False
    held: int = 0
    depth: int = 0
    active: Keys[int] = ()
    saved: bool = False
    ctl: int = 0
    kicker: int = -1


class OnCpu(State):
    """``in_isr``: the host's handler of the timer runs there; ``owner`` had the CPU last (-1)."""

    in_isr: bool = False
    owner: int = -1


class OfSpi(State):
    """``vcpu`` is the VCPU on whose ap_list it was put last, or -1."""

    vcpu: int = -1


class Trap(State):
    """``vcpu`` is the VCPU whose write to DIR trapped last, or -1."""

    vcpu: int = -1


class Reached(Stimulated):
    """Which of the states the current execution has reached: ``bits``, by position in EVERY.

    Those of the windows, and what stimuli are for, are behind the others.
    """

    guests: Guests
    loaded: LoadedVcpus
    sleepers: Sleepers
    soft: SoftTimers
    timers: GuestTimers
    active: ActiveStates
    lines: Lines
    pins: Pins
    lrs: ListRegisters
    deactivations: Deactivations

    def setup(self) -> None:
        """Make the states."""
        super().setup()
        self.seen = self.one(Seen)
        self.of = self.each_vcpu(OfVcpu)
        self.on = self.each_pcpu(OnCpu)
        self.spis = self.members(OfSpi, "spis")
        self.trap = self.one(Trap, "trap")

    @property
    def bits(self) -> int:
        """The states that were reached, as bits by position in EVERY."""
        return self.seen.bits

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """The v7.2 era arms during the put that follows; there the soft timer's expiry counts."""
        if self.soft.of[f.vcpu].background:
            self.seen.bits |= ARMED

    @on(facts.Expired)
    def on_expired(self, f: facts.Expired) -> None:
        """A soft timer fired."""
        if f.timer != BG_TIMER:
            return
        self.of[f.vcpu].fired = not f.early
        if self.sleepers.of[f.vcpu].asleep:
            self.seen.bits |= ARMED
            if self.timers.is_on(f.vcpu, PTIMER) and not self.timers.is_on(f.vcpu):
                self.seen.bits |= PTIMER_ALONE

    @on(facts.GuestTimer)
    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        """A guest programmed a timer."""
        if f.timer != PTIMER:
            return
        before, self.of[f.vcpu].ctl = self.of[f.vcpu].ctl, f.ctl
        if f.ctl == ENABLE == before:
            self.seen.bits |= REARMED

    @on(facts.Woken)
    def on_wake(self, f: facts.Woken) -> None:
        """A thread was woken."""
        fired, self.of[f.vcpu].fired = self.of[f.vcpu].fired, False
        if fired:
            self.seen.bits |= SOFT_WOKE

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """The host took an interrupt."""
        if f.intid == VTIMER_PPI:
            v = self.loaded.on[f.pcpu].vcpu
            if v >= 0:
                self.of[v].acked = True
        elif f.intid < SPECIAL and self.active.on[f.pcpu].bits & VTIMER_BIT:
            self.seen.bits |= NESTED

    @on(facts.IsrBegan)
    def on_isr(self, f: facts.IsrBegan) -> None:
        """A handler of the host began."""
        self.on[f.pcpu].in_isr = f.intid == VTIMER_PPI
        if f.intid < FIRST_SPI or self.loaded.on[f.pcpu].vcpu >= 0:
            return
        if self.active.has(f.pcpu, f.intid):
            self.seen.bits |= ELSEWHERE

    @on(facts.IsrEnded)
    def on_isr_end(self, f: facts.IsrEnded) -> None:
        """It ended."""
        self.on[f.pcpu].in_isr = False

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """Something was injected."""
        if f.level and f.accepted and f.vintid == VTIMER_PPI:
            of = self.of[f.vcpu]
            of.held = PENDING
            if f.pcpu >= 0 and self.on[f.pcpu].in_isr:
                self.seen.bits |= HOST_INJECTED
            elif not of.acked:
                self.seen.bits |= UNFIRED

    @on(facts.AckedByGuest)
    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        """A guest took an interrupt."""
        if f.vintid >= SPECIAL:
            return
        of = self.of[self.guests.on[f.pcpu].vcpu]
        of.depth += 1
        if of.depth > 1:
            self.seen.bits |= DEEP
        if f.vintid == VTIMER_PPI:
            self.seen.bits |= ACKED
        elif f.vintid == PTIMER_PPI:
            self.seen.bits |= PTIMER_ACKED
        else:
            self.seen.bits |= DEVICE_ACKED if f.vintid >= FIRST_SPI else SGI

    @on(facts.Completed)
    def on_eoir(self, f: facts.Completed) -> None:
        """It completed one."""
        self.of[self.guests.on[f.pcpu].vcpu].depth -= 1

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """A guest was left."""
        if f.reason != "irq":
            return
        if not self.pins.on[f.pcpu].high:
            self.seen.bits |= SOFT_FORCED
            return
        high = self.lines.on[f.pcpu].bits
        if high & ~self.active.on[f.pcpu].bits & VTIMER_BIT:
            self.seen.bits |= FORCED
        if high & MAINTENANCE_BIT:
            self.seen.bits |= MAINTAINED

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """KVM folded a List Register."""
        of = self.of[f.vcpu]
        if f.vintid == VTIMER_PPI:
            of.held = ACTIVE if f.active else f.state
        of.active = (add if f.active else remove)(of.active, f.vintid)
        for on_cpu in self.deactivations.on:
            if on_cpu.in_flight:
                self.seen.bits |= FOLD_RACE

    @on(facts.Placed)
    def on_placed(self, f: facts.Placed) -> None:
        """A thread got a CPU."""
        owner, self.on[f.pcpu].owner = self.on[f.pcpu].owner, f.vcpu
        if owner not in (-1, f.vcpu):
            self.seen.bits |= TURNS
        if f.before >= 0 and f.before != f.pcpu:
            held = self.of[f.vcpu].held
            if held == PENDING:
                self.seen.bits |= MOVED_PENDING
            elif held == ACTIVE:
                self.seen.bits |= MOVED_ACTIVE

    @on(facts.PendingChanged)
    def on_pending(self, f: facts.PendingChanged) -> None:
        """A pending latch changed."""
        if f.after and f.pcpu < 0 and self.active.has(-1, f.intid):
            self.seen.bits |= EDGE_ACTIVE

    @on(facts.DeviceRaised)
    def on_event(self, f: facts.DeviceRaised) -> None:
        """A device had an event."""
        c = self.guests.of[f.vcpu].pcpu
        if c >= 0:
            for _, lr in self.lrs.on[c].used:
                if lr.vintid == f.vintid and lr.state & ACTIVE:
                    self.seen.bits |= EVENT_HANDLING

    @on(facts.EoiNotified)
    def on_notified(self, _f: facts.EoiNotified) -> None:
        """The VM monitor was told that a guest has ended a level."""
        self.seen.bits |= NOTIFIED

    @on(facts.DeviceStillHigh)
    def on_still_high(self, _f: facts.DeviceStillHigh) -> None:
        """It signals again."""
        self.seen.bits |= RAISED_AGAIN

    @on(facts.Kicked)
    def on_kick(self, f: facts.Kicked) -> None:
        """Somebody is about to kick a VCPU."""
        if f.ipi:
            # The VM monitor, which is on no CPU, sends its IPIs from the first.
            self.of[f.vcpu].kicker = max(f.pcpu, 0)

    @on(facts.IpiSent)
    def on_ipi(self, f: facts.IpiSent) -> None:
        """An IPI goes to the CPU where a VCPU is loaded: a kick, if that was kicked from there."""
        for of in self.of:
            if of.kicker == f.pcpu:
                self.seen.bits |= KICKED_OUT

    @on(facts.HcrWritten)
    def on_hcr(self, f: facts.HcrWritten) -> None:
        """KVM asked for maintenance interrupts, or for none."""
        if f.value & HCR_UIE:
            self.seen.bits |= OVERFLOWN

    @on(facts.Trapped)
    def on_trap(self, f: facts.Trapped) -> None:
        """A guest's write to DIR trapped."""
        self.seen.bits |= TRAPPED
        self.trap.vcpu = f.vcpu

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """KVM deactivated something for a guest."""
        if f.cause == "eoicount":
            self.seen.bits |= OUTSIDE
        elif f.vcpu != self.trap.vcpu:
            self.seen.bits |= ASYMMETRIC

    @on(facts.Halting)
    def on_halting(self, f: facts.Halting) -> None:
        """A VCPU halts the guests."""
        if f.halted:
            self.seen.bits |= HALTED

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """An interrupt was put on an ap_list."""
        if f.vintid >= FIRST_SPI:
            spi = self.spis[f.vintid]
            before, spi.vcpu = spi.vcpu, f.vcpu
            if before not in (-1, f.vcpu):
                self.seen.bits |= RETARGETED

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """A VCPU was reset."""
        of = self.of[f.vcpu]
        active, of.active = of.active, ()
        of.depth = 0
        if active:
            self.seen.bits |= RESET_ACTIVE

    @on(facts.VmSaved)
    def on_saved(self, f: facts.VmSaved) -> None:
        """A part of a VCPU was saved."""
        if f.level or f.active:
            self.of[f.vcpu].saved = True

    @on(facts.VmRestored)
    def on_restored(self, f: facts.VmRestored) -> None:
        """It was restored."""
        if self.of[f.vcpu].saved:
            self.seen.bits |= RESTORED

    @on(facts.UserLeft)
    def on_user(self, _f: facts.UserLeft) -> None:
        """A thread returned to user space."""
        self.seen.bits |= USER


STATES: tuple[type[Listener], ...] = (Reached,)
"""What the Checker is to hear for the "sometimes" states."""
