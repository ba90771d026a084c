"""What a load does, and what alternates: load and put, save and restore, entry and exit."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.handlings import TIMER_OF
from model.facts import traced
from model.identity import VTIMER
from model.timer import ENABLE, IMASK

__all__ = ["T3", "T6", "T7", "T8"]

NOT_KNOWN, NO, YES = -1, 0, 1
ANYWHERE, NOWHERE = -2, -1
"""Instead of a CPU: not known, and none."""


class Timer(State):
    """``level``: the last that KVM reported; ``active``: the guest has its interrupt active."""

    level: Debt[int] = NOT_KNOWN
    active: Debt[int] = NOT_KNOWN


class Loading(State):
    """``now``: a load is under way on ``pcpu``; what of the virtual timer it has done.

    ``reported``: the level of its line; ``written``: its active state.
    """

    now: Debt[bool] = False
    pcpu: Debt[int] = ANYWHERE
    reported: Debt[bool] = True
    written: Debt[bool] = False


class T3(Rule):
    """Each load writes the physical active state that the VCPU needs on that CPU.

    Active if the line is high, as KVM reported it last for this VCPU, whoever did, or if the guest
    has the interrupt active; else inactive.
    """

    id = "T3"
    section = "Linux arch_timer.c, kvm_timer_vcpu_load_gic (4.16 and later)"
    title = "a load writes the timer's active state: set iff its line is high or the guest has it"

    NEEDED = alarm(
        "needed",
        "the load of VCPU {vcpu} on CPU {pcpu} wrote INTID {intid} inactive, but "
        "{level:the guest has it active|its timer's line is high}",
    )
    LEFT = alarm(
        "left",
        "the load of VCPU {vcpu} on CPU {pcpu} wrote INTID {intid} active, but its timer's line is "
        "low and the guest has it not active: the next assertion is masked",
    )
    UNREPORTED = alarm(
        "unreported",
        "the load of VCPU {vcpu} on CPU {pcpu} wrote the timer's active state without reporting "
        "the level of its line",
    )
    ELSEWHERE = alarm(
        "elsewhere",
        "the load of VCPU {vcpu} on CPU {other} wrote the active state of INTID {intid} on CPU "
        "{pcpu}",
    )
    MISSING = alarm(
        "missing", "the load of VCPU {vcpu} on CPU {pcpu} did not write the timer's active state"
    )

    def setup(self) -> None:
        """Make the states, by VCPU, and by VCPU and timer."""
        self.timers = self.members(Timer, "timers")
        self.loading = self.members(Loading, "loading")

    @on(facts.TimerRead)
    def on_read(self, f: facts.TimerRead) -> None:
        """KVM reported a level."""
        self.timers[f.vcpu, f.timer].level = YES if f.level else NO
        if f.timer == VTIMER:
            self.loading[f.vcpu].reported = True

    @on(facts.Folded, traced.SoftwareSeen)
    def on_fold(self, f: facts.Folded | traced.SoftwareSeen) -> None:
        """The active state in software."""
        if f.vintid in TIMER_OF:
            self.timers[f.vcpu, TIMER_OF[f.vintid]].active = YES if f.active else NO

    @on(traced.Meddled)
    def on_meddled(self, f: traced.Meddled) -> None:
        """It may be another."""
        for timer in TIMER_OF.values():
            self.timers[f.vcpu, timer].active = NOT_KNOWN

    @on(traced.LoadBegan)
    def on_began(self, f: traced.LoadBegan) -> None:
        """A load begins."""
        loading = self.loading[f.vcpu]
        loading.now, loading.pcpu = True, f.pcpu
        loading.written = loading.reported = False

    @on(facts.PhysActiveWritten)
    def on_write(self, f: facts.PhysActiveWritten) -> None:
        """What a load writes is what is needed."""
        loading = self.loading[f.vcpu]
        if not loading.now or f.intid not in TIMER_OF:
            return
        which = TIMER_OF[f.intid]
        if f.pcpu != loading.pcpu:
            self.report(self.ELSEWHERE, vcpu=f.vcpu, pcpu=f.pcpu, intid=f.intid, other=loading.pcpu)
        if which == VTIMER:
            loading.written = True
            if not loading.reported:
                self.report(self.UNREPORTED, vcpu=f.vcpu, pcpu=f.pcpu)
        timer = self.timers[f.vcpu, which]
        said = {"vcpu": f.vcpu, "pcpu": f.pcpu, "intid": f.intid}
        if not f.value and YES in (timer.level, timer.active):
            self.report(self.NEEDED, level=timer.level == YES, **said)
        elif f.value and timer.level == timer.active == NO:
            self.report(self.LEFT, **said)

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """The load has written it."""
        loading = self.loading[f.vcpu]
        now, loading.now = loading.now, False
        if now and not loading.written:
            self.report(self.MISSING, vcpu=f.vcpu, pcpu=f.pcpu)


class Whereabouts(State):
    """``pcpu`` is where it is loaded, restored or entered: a CPU, NOWHERE or ANYWHERE."""

    pcpu: Debt[int] = ANYWHERE


class T6(Rule):
    """Load and put alternate, on one CPU."""

    id = "T6"
    section = "Linux arm.c, kvm_arch_vcpu_load and kvm_arch_vcpu_put"
    title = "each load of a VCPU is followed by its put, on the same CPU, before the next load"

    TWICE = alarm(
        "twice",
        "VCPU {vcpu} was loaded on CPU {pcpu} while it was loaded on CPU {other}: no put between",
    )
    NOT_LOADED = alarm("not-loaded", "VCPU {vcpu} was put on CPU {pcpu}, but was not loaded")
    ELSEWHERE = alarm(
        "elsewhere", "VCPU {vcpu} was put on CPU {pcpu}, but was loaded on CPU {other}"
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Whereabouts)

    @on(traced.LoadBegan)
    def on_load(self, f: traced.LoadBegan) -> None:
        """It was put before."""
        of = self.of[f.vcpu]
        other, of.pcpu = of.pcpu, f.pcpu
        if other >= 0:
            self.report(self.TWICE, vcpu=f.vcpu, pcpu=f.pcpu, other=other)

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """It was loaded here."""
        of = self.of[f.vcpu]
        other, of.pcpu = of.pcpu, NOWHERE
        if other == NOWHERE:
            self.report(self.NOT_LOADED, vcpu=f.vcpu, pcpu=f.pcpu)
        elif other not in (ANYWHERE, f.pcpu):
            self.report(self.ELSEWHERE, vcpu=f.vcpu, pcpu=f.pcpu, other=other)


class Saved(State):
    """The virtual timer in memory as it was saved: ``ctl`` (-1: not known) and ``cval``."""

    ctl: Debt[int] = -1
    cval: Debt[int] = 0


class T7(Rule):
    """A timer is restored to the hardware and saved from it in turns, on one CPU.

    The virtual timer's accesses do not trap: it is restored as it was saved, unless user space had
    the VCPU meanwhile.
    """

    id = "T7"
    section = "Linux arch_timer.c, timer_save_state and timer_restore_state"
    title = "save and restore of a VCPU's timer alternate, on one CPU"

    TWICE = alarm(
        "twice",
        "timer {timer} of VCPU {vcpu} was restored on CPU {pcpu} while it was in the hardware of "
        "CPU {other}: no save between",
    )
    NOT_THERE = alarm(
        "not-there",
        "timer {timer} of VCPU {vcpu} was saved on CPU {pcpu}, but was not in hardware",
    )
    ELSEWHERE = alarm(
        "elsewhere",
        "timer {timer} of VCPU {vcpu} was saved on CPU {pcpu}, but was in the hardware of CPU "
        "{other}",
    )
    VALUES = alarm(
        "values",
        "the virtual timer of VCPU {vcpu} was restored on CPU {pcpu} with CTL {ctl:#x} and CVAL "
        "{cval:#x}, but was saved with {old_ctl:#x} and {old_cval:#x}",
    )

    def setup(self) -> None:
        """Make the states, by VCPU and timer, and by VCPU."""
        self.of = self.members(Whereabouts, "of")
        self.saved = self.members(Saved, "saved")

    @on(facts.TimerRestored)
    def on_restored(self, f: facts.TimerRestored) -> None:
        """It was saved before."""
        of = self.of[f.vcpu, f.timer]
        other, of.pcpu = of.pcpu, f.pcpu
        if other >= 0:
            self.report(self.TWICE, vcpu=f.vcpu, pcpu=f.pcpu, timer=f.timer, other=other)

    @on(facts.TimerRestored)
    def on_values(self, f: facts.TimerRestored) -> None:
        """It is as it was saved."""
        if f.timer != VTIMER:
            return
        saved = self.saved[f.vcpu]
        ctl, saved.ctl = saved.ctl, -1
        on = ENABLE | IMASK
        if ctl >= 0 and (ctl & on, saved.cval) != (f.ctl & on, f.cval):
            self.report(
                self.VALUES,
                vcpu=f.vcpu,
                pcpu=f.pcpu,
                ctl=f.ctl,
                cval=f.cval,
                old_ctl=ctl,
                old_cval=saved.cval,
            )

    @on(traced.Meddled)
    def on_meddled(self, f: traced.Meddled) -> None:
        """It may have been reset, or user space may have set it."""
        self.saved[f.vcpu].ctl = -1

    @on(facts.TimerSaved)
    def on_save(self, f: facts.TimerSaved) -> None:
        """It is in memory."""
        if f.timer == VTIMER:
            saved = self.saved[f.vcpu]
            saved.ctl, saved.cval = f.ctl, f.cval

    @on(facts.TimerSaved)
    def on_saved(self, f: facts.TimerSaved) -> None:
        """It was in the hardware here."""
        of = self.of[f.vcpu, f.timer]
        other, of.pcpu = of.pcpu, NOWHERE
        said = {"vcpu": f.vcpu, "pcpu": f.pcpu, "timer": f.timer}
        if other == NOWHERE:
            self.report(self.NOT_THERE, **said)
        elif other not in (ANYWHERE, f.pcpu):
            self.report(self.ELSEWHERE, other=other, **said)


class T8(Rule):
    """Entry and exit alternate, on one CPU, and the thread keeps it between."""

    id = "T8"
    section = "Linux arm.c, kvm_arch_vcpu_ioctl_run"
    title = "a guest stay begins and ends on one CPU, which its thread keeps"

    TWICE = alarm("twice", "VCPU {vcpu} entered its guest on CPU {pcpu}, but had not left it")
    NOT_ENTERED = alarm(
        "not-entered", "VCPU {vcpu} left its guest on CPU {pcpu}, but had not entered it"
    )
    ELSEWHERE = alarm(
        "elsewhere", "VCPU {vcpu} left its guest on CPU {pcpu}, but had entered it on CPU {other}"
    )
    SWITCHED = alarm(
        "switched", "the thread of VCPU {vcpu} gave CPU {pcpu} away between entry and exit"
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Whereabouts)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It had left."""
        of = self.of[f.vcpu]
        other, of.pcpu = of.pcpu, f.pcpu
        if other >= 0:
            self.report(self.TWICE, vcpu=f.vcpu, pcpu=f.pcpu)

    @on(traced.ExitTraced)
    def on_exit(self, f: traced.ExitTraced) -> None:
        """It had entered here."""
        of = self.of[f.vcpu]
        other, of.pcpu = of.pcpu, NOWHERE
        if other == NOWHERE:
            self.report(self.NOT_ENTERED, vcpu=f.vcpu, pcpu=f.pcpu)
        elif other not in (ANYWHERE, f.pcpu):
            self.report(self.ELSEWHERE, vcpu=f.vcpu, pcpu=f.pcpu, other=other)

    @on(traced.SwitchedOut)
    def on_switch(self, f: traced.SwitchedOut) -> None:
        """It keeps the CPU."""
        of = self.of[f.vcpu]
        if of.pcpu >= 0:
            of.pcpu = ANYWHERE
            self.report(self.SWITCHED, vcpu=f.vcpu, pcpu=f.pcpu)
