"""Sleep is sound: nobody sleeps on what it should be given, nor with its timer uncovered."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.guest_masks import GuestMasks
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guest_timers import GuestTimers
from model.check.views.ideal_gic import IdealGic
from model.check.views.pauses import Pauses
from model.check.views.ptimer_cover import PtimerCover
from model.check.views.sleepers import Sleepers
from model.check.views.software_states import SoftwareStates
from model.check.views.virtual_enables import VirtualEnables
from model.identity import BG_TIMER, CONFIG, PTIMER
from model.messages import VTIMER_PPI
from model.timer import PTIMER_PPI

__all__ = ["I11"]


class Cover(State):
    """``armed``: a soft timer is armed that fires when the guest's timers do, at the latest.

    ``waking``: who halted the guests has let it go and is about to wake it.
    """

    armed: bool = False
    waking: bool = False


class I11(Rule):
    """Blocking is sound: no sleep on a timer's deliverable interrupt, nor on an uncovered timer.

    (Of other interrupts that are slept on, L1, R27 and I6 know at rest.)

    The emulated physical timer must be covered in the guest, too: what it raised is injected, and
    for its next rise a soft timer is armed.
    """

    id = "I11"
    section = "The Architected Timer, first list, steps 5 to 8 (INV-COVER)"
    title = "a VCPU sleeps on no timer interrupt it could take, and its timer is covered meanwhile"
    trusts = (
        "whoever is let go is excused until it is woken, or until config_lock is free: a lock's "
        "own word"
    )

    GUEST = alarm(
        "guest-uncovered",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with its physical timer due at {due} ns (it "
        "is {now} ns), and neither an interrupt nor a soft timer stands for it",
    )
    PENDING = alarm(
        "pending",
        "VCPU {vcpu} goes to sleep with vINTID {vintid} pending, enabled and let through by the "
        "guest's priority mask ({pmr:#x})",
    )
    TIMER = alarm(
        "timer-uncovered",
        "VCPU {vcpu} sleeps, its timer fires at {due} ns, and neither a soft timer nor a wake-up "
        "covers it",
    )
    PTIMER = alarm(
        "ptimer-uncovered",
        "VCPU {vcpu} sleeps, its physical timer fires at {due} ns, and neither a soft timer nor a "
        "wake-up covers it",
    )

    timers: GuestTimers
    cover: PtimerCover
    pauses: Pauses
    masks: GuestMasks
    priorities: GuestPriorities
    enables: VirtualEnables
    software: SoftwareStates
    sleepers: Sleepers
    ideal: IdealGic

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(Cover)

    @on(facts.Resumed)
    def on_resumed(self, f: facts.Resumed) -> None:
        """Whoever is let go on is woken right after."""
        for v, of in enumerate(self.of):
            of.waking = v == f.resumed

    @on(facts.Bypassed)
    def on_bypassed(self, f: facts.Bypassed) -> None:
        """So is whom irq bypass lets go on."""
        self.of[f.vcpu].waking = not f.halted

    @on(facts.Woken)
    def on_woken(self, f: facts.Woken) -> None:
        """It was."""
        self.of[f.vcpu].waking = False

    @on(facts.LockReleased)
    def on_unlock(self, f: facts.LockReleased) -> None:
        """Who halted the guests is done with it."""
        if f.lock.kind == CONFIG:
            for of in self.of:
                of.waking = False

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """The physical timer is emulated: something must stand for it."""
        v = f.vcpu
        self.of[v].waking = False
        if not self.cover.covers(v):
            due, now = self.timers.physical[v].deadline, self.timers.clock.time.now
            self.report(self.GUEST, vcpu=v, pcpu=f.pcpu, due=due, now=now)

    @on(facts.Armed)
    def on_armed(self, f: facts.Armed) -> None:
        """A soft timer covers the sleep if it is not too late; its callback wakes or arms again."""
        if f.timer == BG_TIMER:
            latest = max(self.timers.due(f.vcpu), self.timers.clock.time.now)
            self.of[f.vcpu].armed = f.expiry <= latest

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """Nothing that it could take may be pending."""
        v = f.vcpu
        if self.pauses.is_kept_out(v) or self.of[v].waking or not self.ideal.switch.is_on():
            return
        pmr = self.masks.of[v].pmr
        virtual, physical = self.software.virtual[v], self.software.physical[v]
        of = self.masks.of[v]
        # What another VCPU's access to this redistributor brings is told by a kick, behind it.
        held = virtual.active or not of.timer_enabled or self.ideal.irq(v, VTIMER_PPI).under_way
        if virtual.pending and not held and self.is_above(v, VTIMER_PPI):
            self.report(self.PENDING, vcpu=v, vintid=VTIMER_PPI, pmr=pmr)
        enabled = physical.pending and self.enables.is_enabled(v, PTIMER_PPI)
        if self.setting.direct_ptimer:
            enabled &= not physical.active and not self.ideal.irq(v, PTIMER_PPI).under_way
        if enabled and self.is_above(v, PTIMER_PPI):
            self.report(self.PENDING, vcpu=v, vintid=PTIMER_PPI, pmr=pmr)

    def is_above(self, v: int, vintid: int) -> bool:
        """Tell whether the guest's priority mask lets it through."""
        return self.priorities.priority(v, vintid) < self.masks.of[v].pmr

    @on(facts.Cancelled)
    def on_cancelled(self, f: facts.Cancelled) -> None:
        """The cover is gone."""
        if f.timer == BG_TIMER:
            self.of[f.vcpu].armed = False
            self.check(f.vcpu)

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """It sleeps from here on, if it means to."""
        self.check(f.vcpu)

    def check(self, v: int) -> None:
        """Complain of a sleeper's timer that nothing stands for."""
        if not self.sleepers.of[v].asleep or self.of[v].armed:
            return
        timers = self.timers
        if timers.is_on(v) and self.enables.lets_through(v):
            self.report(self.TIMER, vcpu=v, due=timers.virtual[v].deadline)
        if timers.is_on(v, PTIMER) and self.enables.lets_through(v, PTIMER_PPI):
            self.report(self.PTIMER, vcpu=v, due=timers.physical[v].deadline)
