"""Section "Putting It Together: The Architected Timer" of the document."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.fired_timers import FiredTimers
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.handlings import TIMER_OF
from model.check.views.hw_timers import HwTimers
from model.identity import BG_TIMER
from model.messages import VTIMER_PPI
from model.timer import TIMER_PPIS

__all__ = ["R28", "R29", "R30", "R31", "R28b"]


class Holder(State):
    """``vcpu`` is whose state the CPU's timer was given and still has, or -1."""

    vcpu: int = -1


class R28(Rule):
    """The timer is switched with the VCPU thread: one owner, and off between two."""

    id = "R28"
    section = "The Architected Timer, paragraph 1"
    title = "a CPU's timer holds one VCPU's state, as its guest programmed it, or is off"

    TAKEN = alarm(
        "taken",
        "the {timer:physical|virtual} timer of CPU {pcpu} was given VCPU {vcpu}'s state while it "
        "held VCPU {owner}'s",
    )
    VALUES = alarm(
        "values",
        "the {timer:physical|virtual} timer of CPU {pcpu} was given CTL {ctl}, CVAL {cval} for "
        "VCPU {vcpu}, whose guest has programmed CTL {guest_ctl}, CVAL {guest_cval}",
    )
    NOT_HELD = alarm(
        "not-held",
        "VCPU {vcpu} entered its guest on CPU {pcpu}, whose {timer:physical|virtual} timer does "
        "not hold its state",
    )

    timers: GuestTimers

    def setup(self) -> None:
        """Make the states."""
        self.on = self.direct_pcpus(Holder)

    @on(facts.TimerRestored)
    def on_restored(self, f: facts.TimerRestored) -> None:
        """The timer changes hands, and must have been nobody's."""
        holder = self.on[TIMER_PPIS[f.timer]][f.pcpu]
        owner, holder.vcpu = holder.vcpu, f.vcpu
        if owner not in (-1, f.vcpu):
            self.report(self.TAKEN, timer=f.timer, pcpu=f.pcpu, vcpu=f.vcpu, owner=owner)

    @on(facts.TimerRestored)
    def on_values(self, f: facts.TimerRestored) -> None:
        """What it is given is what the guest programmed."""
        timer = self.timers.of[f.timer][f.vcpu]
        if (f.ctl, f.cval) != (timer.ctl, timer.cval):
            self.report(
                self.VALUES,
                timer=f.timer,
                pcpu=f.pcpu,
                vcpu=f.vcpu,
                ctl=f.ctl,
                cval=f.cval,
                guest_ctl=timer.ctl,
                guest_cval=timer.cval,
            )

    @on(facts.TimerSaved)
    def on_saved(self, f: facts.TimerSaved) -> None:
        """It is nobody's from here on."""
        holder = self.on[TIMER_PPIS[f.timer]][f.pcpu]
        if holder.vcpu == f.vcpu:
            holder.vcpu = -1

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """The guest finds its own timers."""
        for intid, cpus in self.on.items():
            if cpus[f.pcpu].vcpu != f.vcpu:
                self.report(self.NOT_HELD, timer=TIMER_OF[intid], vcpu=f.vcpu, pcpu=f.pcpu)


class R28b(Rule):
    """The guest programs its timer without an exit, so KVM's copy is stale while it is loaded."""

    id = "R28b"
    section = "The Architected Timer, paragraph 2 and second list"
    title = "KVM looks at the hardware timer while it is loaded, at the copy in memory otherwise"
    trusts = (
        "the conclusion itself is what is judged, against the guest's timer and where its state is"
    )

    SOURCE = alarm(
        "source",
        "KVM asked the timer's {source} state whether the {timer:physical|virtual} timer of VCPU "
        "{vcpu} fires, but the {holds} one is what holds",
    )
    LEVEL = alarm(
        "level",
        "KVM found from the timer's {source} state that the {timer:physical|virtual} timer of VCPU "
        "{vcpu} {level:does not fire|fires}, but its guest has programmed CTL {ctl} and {due} ns, "
        "and it is {now} ns",
    )

    timers: GuestTimers
    hw_timers: HwTimers

    @on(facts.TimerRead)
    def on_read(self, f: facts.TimerRead) -> None:
        """KVM computes the level from the one or the other."""
        v = f.vcpu
        holds = "live" if self.hw_timers.hold(v, TIMER_PPIS[f.timer]) else "memory"
        if f.source != holds:
            self.report(self.SOURCE, timer=f.timer, vcpu=v, source=f.source, holds=holds)
        elif f.level != self.timers.fires(v, f.timer):
            timer, now = self.timers.of[f.timer][v], self.timers.clock.time.now
            self.report(
                self.LEVEL,
                timer=f.timer,
                vcpu=v,
                source=f.source,
                level=f.level,
                ctl=timer.ctl,
                due=timer.deadline,
                now=now,
            )


class Written(State):
    """``pcpu`` is where the active state was written since the thread was scheduled, or -1."""

    pcpu: int = -1


class R29(Rule):
    """The active state is switched with the thread: written where the VCPU then runs."""

    id = "R29"
    section = "The Architected Timer, paragraph after the first list"
    title = "the active state is written on the CPU that is entered, after the thread got it"

    NOT_WRITTEN = alarm(
        "not-written",
        "VCPU {vcpu} entered its guest on CPU {pcpu}, where the active state of INTID {intid} has "
        "not been written since it was scheduled there",
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.direct_vcpus(Written)

    @on(facts.Placed, facts.Put)
    def on_placed(self, f: facts.Placed | facts.Put) -> None:
        """The thread gets a CPU or gives it away: what was written is another's."""
        for written in self.of.values():
            written[f.vcpu].pcpu = -1

    @on(facts.PhysActiveWritten)
    def on_write(self, f: facts.PhysActiveWritten) -> None:
        """KVM wrote it."""
        if f.intid in self.of:
            self.of[f.intid][f.vcpu].pcpu = f.pcpu

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It was written here."""
        for intid, written in self.of.items():
            if written[f.vcpu].pcpu != f.pcpu:
                self.report(self.NOT_WRITTEN, vcpu=f.vcpu, pcpu=f.pcpu, intid=intid)


class R30(Rule):
    """The idle flow: hardware off, soft timer armed for the right time, and never early.

    The right time is that of whichever of the guest's timers fires first.
    """

    id = "R30"
    section = "The Architected Timer, first list"
    title = "idle: timer off, then soft timer for the remaining time; no interrupt before its time"

    STILL_ON = alarm(
        "still-on",
        "the soft timer of VCPU {vcpu} was armed while the hardware timer still held its state",
    )
    EXPIRY = alarm(
        "expiry",
        "the soft timer of VCPU {vcpu} was armed for {expiry} ns, but the guest's timer fires at "
        "{due} ns",
    )
    EARLY = alarm(
        "early",
        "the guest of VCPU {vcpu} got its timer interrupt at {now} ns, but programmed it for {due} "
        "ns",
    )

    timers: GuestTimers
    hw_timers: HwTimers
    guests: Guests
    fired: FiredTimers

    @on(facts.Armed)
    def on_armed(self, f: facts.Armed) -> None:
        """The hardware timer is off by then."""
        if f.timer == BG_TIMER and any(
            self.hw_timers.hold(f.vcpu, intid) for intid in self.setting.direct
        ):
            self.report(self.STILL_ON, vcpu=f.vcpu)

    @on(facts.Armed)
    def on_expiry(self, f: facts.Armed) -> None:
        """The soft timer stands in for the guest's timers."""
        if f.timer != BG_TIMER:
            return
        due = max(self.timers.due(f.vcpu), self.timers.clock.time.now)
        if f.expiry != due:
            self.report(self.EXPIRY, vcpu=f.vcpu, expiry=f.expiry, due=due)

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """A guest that gets its timer's interrupt has waited long enough."""
        fired = self.fired.direct.get(f.vintid)
        if fired is None:
            return
        v, timer = self.guests.on[f.pcpu].vcpu, TIMER_OF[f.vintid]
        if v < 0 or fired[v].presented or not self.timers.is_on(v, timer):
            return
        due, now = self.timers.of[timer][v].deadline, self.timers.clock.time.now
        if now < due:
            self.report(self.EARLY, vcpu=v, now=now, due=due)


class R31(Rule):
    """The busy flow of the document: the host's handler never sees the timer's interrupt."""

    id = "R31"
    section = "The Architected Timer, second list"
    title = "the host never handles the timer's physical interrupt"
    eras = ("v4.14",)

    HANDLED = alarm("handled", "CPU {pcpu} ran the host's handler of INTID {intid}")

    @on(facts.IsrBegan)
    def on_isr(self, f: facts.IsrBegan) -> None:
        """A handler of the host runs: not for the timer."""
        if f.intid == VTIMER_PPI:
            self.report(self.HANDLED, pcpu=f.pcpu, intid=VTIMER_PPI)
