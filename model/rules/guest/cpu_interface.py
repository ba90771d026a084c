"""A guest's CPU interface reads as what it handles and what is pending made it (G11)."""

from model import facts
from model.check.alarm import alarm
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.possible import READ
from model.check.rule import Rule
from model.check.state import State
from model.check.table import Keys, add, remove
from model.check.unknown import Bits, Debt
from model.check.views.accesses import step_of
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guests import Guests
from model.check.views.ideal_gic import NO, YES, IdealGic
from model.check.views.running_priority import is_special
from model.gic.registers import FIRST_SPI, IDLE, SGIS

__all__ = ["G11"]


class OfVcpu(State):
    """``running``: of each interrupt that its guest is handling, which priorities it may have had.

    ``due``: what its guest made pending for itself, and has not taken. When it reads a register it
    has gone on since, so that this was carried out.
    """

    running: tuple[int, ...] = ()
    due: Debt[Keys[int]] = ()


class OfIrq(State):
    """``priorities``: those that it may have had since it was taken last (0: the one at first)."""

    priorities: Bits = 0


class G11(Rule):
    """The running priority is that of what the guest handles; the next interrupt is one that is.

    What a guest has sent or set pending for itself, and not taken, it finds in HPPIR, or something
    that comes before it: a CPU sees what it did. What others did may be on its way for a while.
    """

    id = "G11"
    section = "a GIC without virtualisation (IHI0069 ICC_RPR_EL1, ICC_HPPIR1_EL1)"
    title = "the running priority and the highest pending interrupt read as they are"
    guest = True

    RUNNING = alarm(
        "running",
        "the guest of VCPU {vcpu} read a running priority of {value:#x}, and it is that of nothing "
        "it handles",
    )
    NOT_PENDING = alarm(
        "not-pending",
        "the guest of VCPU {vcpu} read vINTID {vintid} in HPPIR, which cannot be pending for it",
    )
    MISSING = alarm(
        "missing",
        "the guest of VCPU {vcpu} read {value} in HPPIR, and had made vINTID {vintid} pending for "
        "itself, which comes before that",
    )

    ideal: IdealGic
    priorities: GuestPriorities
    guests: Guests

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu, "handled")
        self.irqs = Interrupts(self, OfIrq)

    def possible(self, v: int, vintid: int) -> int:
        """Return a mask of the priorities that it may have had since it was taken last."""
        mask = self.irqs.of(v, vintid).priorities
        return mask or 1 << step_of(self.setting.priority_of(vintid))

    # -- what it handles -------------------------------------------------------------------------

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """A guest gives an interrupt another priority, or makes one pending for itself."""
        v = f.owner if f.owner >= 0 else f.vcpu
        if f.value == READ:
            return
        if f.register == "priority":
            mask = self.possible(v, f.vintid) | 1 << step_of(f.value)
            self.irqs.of(v, f.vintid).priorities = mask
        elif f.register == "pending" and v == f.vcpu:
            of = self.of[v]
            of.due = add(of.due, f.vintid) if f.value else remove(of.due, f.vintid)

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """It sends itself an SGI."""
        if f.target == f.vcpu:
            of = self.of[f.vcpu]
            of.due = add(of.due, f.vintid)

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """It begins to handle an interrupt."""
        v = self.guests.on[f.pcpu].vcpu
        if v < 0 or is_special(f.vintid):
            return
        of = self.of[v]
        of.running = (*of.running, self.possible(v, f.vintid))
        if of.due:
            of.due = remove(of.due, f.vintid)
        irq = self.irqs.of(v, f.vintid)
        if irq.priorities:
            irq.priorities = self.ideal.irq(v, f.vintid).priority

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """It has handled the last one."""
        v = self.guests.on[f.pcpu].vcpu
        if v >= 0:
            self.of[v].running = self.of[v].running[:-1]

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """It starts anew."""
        self.of[f.vcpu].reset()

    # -- what it reads ---------------------------------------------------------------------------

    @on(facts.GuestRead)
    def on_read(self, f: facts.GuestRead) -> None:
        """It reads one of the two."""
        if f.register == "rpr":
            self.check_running(f.vcpu, f.value)
        elif f.register == "hppir":
            self.check_pending(f.vcpu, f.value)

    def check_running(self, v: int, value: int) -> None:
        """Look whether a running priority is that of what it handles, as far as that counts."""
        running = self.of[v].running
        if not running:
            right = value == IDLE
        else:
            counts = self.priorities.of[v].mask
            right = any(running[-1] >> n & 1 and n << 3 & counts == value for n in range(32))
        if not right:
            self.report(self.RUNNING, vcpu=v, value=value)

    def check_pending(self, v: int, value: int) -> None:
        """Look whether what it read may be pending, and nothing is known to come before it."""
        if not is_special(value) and not self.may_be_pending(v, value):
            self.report(self.NOT_PENDING, vcpu=v, vintid=value)
            return
        if not self.priorities.of[v].group:
            return
        best = IDLE if is_special(value) else highest(self.possible(v, value))
        for vintid in self.of[v].due:
            irq = self.ideal.irq(v, vintid)
            if vintid >= FIRST_SPI and self.ideal.goes_to(irq, vintid) != v:
                continue
            due = vintid != value and irq.pending == YES and irq.enabled == YES and irq.active == NO
            if due and lowest(self.possible(v, vintid)) < best:
                self.report(self.MISSING, vcpu=v, vintid=vintid, value=value)
                return

    def may_be_pending(self, v: int, vintid: int) -> bool:
        """Tell whether an interrupt can be pending for VCPU ``v``, and is not handled.

        What a timer asserted, KVM may have taken into a List Register, and the guest has silenced
        it since; an access of another VCPU may not have reached it yet.
        """
        irq = self.ideal.irq(v, vintid)
        if irq.under_way:
            return True
        if not (irq.enabled & YES and irq.active & NO):
            return False
        return SGIS <= vintid < FIRST_SPI or bool(irq.pending & YES)


def lowest(mask: int) -> int:
    """Return the lowest priority (the largest number) in a mask of priorities."""
    return mask.bit_length() - 1 << 3


def highest(mask: int) -> int:
    """Return the highest priority (the smallest number) in a mask of priorities."""
    return (mask & -mask).bit_length() - 1 << 3
