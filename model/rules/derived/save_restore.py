"""Saving and restoring a VM (L6)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.possible import lacks
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.clock import Clock
from model.check.views.guest_masks import GuestMasks
from model.check.views.guest_timers import GuestTimers
from model.check.views.ideal_gic import YES, IdealGic
from model.check.views.list_registers import ListRegisters
from model.gic.lr import ACTIVE, PENDING
from model.messages import VTIMER_PPI

__all__ = ["L6"]


class OfVcpu(State):
    """``saved``: its interrupts were read, its timer not yet written back; ``restored``: it was.

    ``read`` is what was read of the timer's interrupt (level, active), until the guest runs again.
    ``left``: when its timer was read, in ns (-1: it was not), and ``moved`` by how much its counter
    was since.
    """

    saved: Debt[bool] = False
    restored: Debt[bool] = False
    read: Debt[tuple[bool, bool] | None] = None
    left: Debt[int] = -1
    moved: Debt[int] = 0


class L6(Rule):
    """A saved VM is one moment's: what is restored is what the guest left, and nothing came after.

    From the moment a VCPU's interrupts are read until its timer is written back nothing of it may
    change: a change between two reads tears them apart (Linux 1a74847885cc), a later one is lost.
    """

    id = "L6"
    section = "VM save and restore (derived; Linux 1a74847885cc, 47a98b15ba7c)"
    title = "a VM is saved as of one moment, and goes on from there as its guest left it"
    trusts = "the end of the VM monitor's write is the monitor's word, not KVM's"

    ACTIVE = alarm(
        "active",
        "VCPU {vcpu} was saved with its timer interrupt {active:in|}active while its guest "
        "{handled:does not handle|handles} it",
    )
    LEVEL = alarm(
        "level",
        "VCPU {vcpu} was saved with a timer that {level:does not fire|fires}, but its guest has "
        "CTL {ctl} and the deadline {due} ns",
    )
    INJECTED = alarm(
        "injected",
        "vINTID {vintid} was injected for VCPU {vcpu} after its interrupts were saved",
    )
    CHANGED = alarm("changed", "VCPU {vcpu} changed after it was saved ({fact})")
    LOADED = alarm(
        "loaded", "VCPU {vcpu} was loaded on CPU {pcpu} while it was being saved or restored"
    )
    TIMER = alarm(
        "timer",
        "VCPU {vcpu} goes on with CTL {ctl} and CVAL {cval} in its restored timer; its guest had "
        "programmed {guest_ctl} and {guest_cval}",
    )
    AGAIN = alarm("again", "VCPU {vcpu} was saved again, and had not been restored")
    ENTERED = alarm("entered", "VCPU {vcpu} entered its guest on CPU {pcpu} after it was saved")
    ACTIVE_AFTER = alarm(
        "active-after",
        "VCPU {vcpu} was saved with its timer interrupt {active:in|}active, and its restored guest "
        "was entered with it {active:|in}active",
    )
    PENDING_AFTER = alarm(
        "pending-after",
        "VCPU {vcpu} was saved with its timer interrupt pending, and its restored guest was "
        "entered without it",
    )

    COUNTER = alarm(
        "counter",
        "the counter of VCPU {vcpu} stands still while it is saved, and its guest goes on {ns} ns "
        "later than it left",
    )

    clock: Clock
    timers: GuestTimers
    ideal: IdealGic
    masks: GuestMasks
    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.VmSaved)
    def on_saved(self, f: facts.VmSaved) -> None:
        """What was read is what the guest left."""
        v = f.vcpu
        if f.part == "vgic":
            of = self.of[v]
            if of.saved:
                self.report(self.AGAIN, vcpu=v)
            of.saved = True
            of.read = (f.level, f.active)
            handled = self.ideal.irq(v, VTIMER_PPI).active
            if lacks(handled, 1 << f.active):
                self.report(self.ACTIVE, vcpu=v, active=f.active, handled=handled == YES)
            return
        if self.setting.counter_stops:
            self.of[v].left, self.of[v].moved = self.clock.time.now, 0
        if f.level != self.timers.fires(v):
            timer = self.timers.virtual[v]
            self.report(self.LEVEL, vcpu=v, level=f.level, ctl=timer.ctl, due=timer.deadline)

    @on(facts.CounterMoved)
    def on_counter(self, f: facts.CounterMoved) -> None:
        """Its counter is put back by the time that it was away."""
        of = self.of[f.vcpu]
        if of.left >= 0:
            of.moved += f.shift

    @on(facts.VmRestored)
    def on_vm_restored(self, f: facts.VmRestored) -> None:
        """The timer is written back last."""
        if f.part != "timer":
            return
        of = self.of[f.vcpu]
        of.saved = False
        of.restored = True
        left, of.left = of.left, -1
        if left >= 0 and self.clock.time.now - left != of.moved:
            self.report(self.COUNTER, vcpu=f.vcpu, ns=self.clock.time.now - left - of.moved)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """What was saved counts no more."""
        of = self.of[f.vcpu]
        of.saved = of.restored = False
        of.left = -1
        of.read = None

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """Nothing comes after the save."""
        if f.accepted and self.of[f.vcpu].saved:
            self.report(self.INJECTED, vcpu=f.vcpu, vintid=f.vintid)

    @on(facts.Folded, facts.TimerSaved)
    def on_change(self, f: facts.Folded | facts.TimerSaved) -> None:
        """Nothing changes after the save."""
        if self.of[f.vcpu].saved:
            self.report(self.CHANGED, vcpu=f.vcpu, fact=f.KIND)

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """Another guest, which runs again first, may write what was restored."""
        if f.owner >= 0 and f.vintid == VTIMER_PPI and f.value >= 0:
            self.of[f.owner].read = None

    @on(facts.TimerRestored)
    def on_timer(self, f: facts.TimerRestored) -> None:
        """A restored timer is as its guest had programmed it."""
        v = f.vcpu
        of, timer = self.of[v], self.timers.of[f.timer][v]
        if of.saved:
            self.report(self.LOADED, vcpu=v, pcpu=f.pcpu)
        elif of.restored and (f.ctl, f.cval) != (timer.ctl, timer.cval):
            self.report(
                self.TIMER,
                vcpu=v,
                ctl=f.ctl,
                cval=f.cval,
                guest_ctl=timer.ctl,
                guest_cval=timer.cval,
            )

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """The restored guest finds its timer's interrupt as it was saved."""
        v = f.vcpu
        of = self.of[v]
        if of.saved:
            self.report(self.ENTERED, vcpu=v, pcpu=f.pcpu)
            return
        if not of.restored:
            return
        of.restored = False
        read, of.read = of.read, None
        if read is None or len(self.lrs.on[f.pcpu].used) >= self.setting.lrs:
            return
        level, active = read
        state = self.lrs.timer(f.pcpu).state
        if active != bool(state & ACTIVE):
            self.report(self.ACTIVE_AFTER, vcpu=v, active=active)
        elif level and not active and self.is_let_through(v) and not state & PENDING:
            self.report(self.PENDING_AFTER, vcpu=v)

    def is_let_through(self, v: int) -> bool:
        """Tell whether the guest has its timer's interrupt enabled, and the distributor on."""
        return self.masks.of[v].timer_enabled and self.ideal.switch.is_on()
