"""Of what is pending a guest gets the most urgent first (G15)."""

from model import facts
from model.check.alarm import alarm
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.possible import READ
from model.check.rule import Rule
from model.check.state import State
from model.check.table import Keys, Table, add, get, put, remove
from model.check.unknown import Debt
from model.check.views.accesses import step_of
from model.check.views.guests import Guests
from model.check.views.ideal_gic import YES, IdealGic, Irq
from model.check.views.running_priority import is_special
from model.gic.registers import FIRST_SPI, SGIS

__all__ = ["G15"]


class OfVcpu(State):
    """``waits``: what is pending since its guest was left, by vINTID: a GICv2's SGI of whom.

    ``sending`` are the SGIs that its guest sends just now, to whom; ``writing``: it writes a
    priority, or GICD_CTLR.
    """

    waits: Debt[Table[int, int]] = ()
    sending: Debt[Keys[tuple[int, int]]] = ()
    writing: Debt[bool] = False


class OfIrq(State):
    """``senders``: from whom a GICv2's SGI is certainly pending, as bits."""

    senders: Debt[int] = 0


class G15(Rule):
    """What is acknowledged comes after nothing that was pending when the guest was last left.

    At each entry KVM chooses anew what is in the List Registers, so what is behind them then is
    less urgent. Said of what is certainly pending: SGIs, edges, what a guest has set pending.
    """

    id = "G15"
    section = "a GIC without virtualisation (IHI0069 4.8, the highest priority pending interrupt)"
    title = "a guest acknowledges the most urgent of what is pending"
    guest = True
    trusts = "of writes a reset alone is heard, the VM monitor's"

    LESS = alarm(
        "less",
        "the guest of VCPU {vcpu} acknowledged vINTID {other} of priority {priority:#x}, while "
        "vINTID {vintid} of priority {higher:#x} was pending since it was left last",
    )

    ideal: IdealGic
    guests: Guests

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu, "choice")
        self.irqs = Interrupts(self, OfIrq)
        self.sourced = self.setting.gic_version == 2
        # 7.2 gives a GICv2's SGI a List Register a sender at a time, and others may come between.
        self.in_turn = self.sourced and self.era == "v4.14"

    def priorities(self, irq: Irq, vintid: int) -> int:
        """Return a mask of what its priority may be."""
        return irq.priority or 1 << step_of(self.setting.priority_of(vintid))

    def is_free(self, v: int, irq: Irq, vintid: int) -> bool:
        """Tell whether it would be shown to VCPU ``v`` if it is pending."""
        if irq.routed or not self.ideal.is_free(irq, vintid):
            return False
        return vintid < FIRST_SPI or self.ideal.goes_to(irq, vintid) == v

    # -- what is pending -------------------------------------------------------------------------

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """A guest sends an SGI."""
        if self.sourced:
            of = self.of[f.vcpu]
            of.sending = add(of.sending, (f.target, f.vintid))

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """A guest writes a priority, which List Registers may not have; or clears an SGI."""
        if f.value == READ:
            return
        if f.register == "priority":
            self.begin_anew(f.vcpu)
        elif f.register == "pending" and self.sourced and f.vintid < SGIS:
            self.irqs.of(f.owner, f.vintid).senders = 0

    @on(facts.GuestDist)
    def on_dist(self, f: facts.GuestDist) -> None:
        """It switches the distributor: while that is off, List Registers get nothing."""
        if f.value != READ:
            self.begin_anew(f.vcpu)

    def begin_anew(self, v: int) -> None:
        """VCPU ``v``'s guest writes what the List Registers are chosen by."""
        self.of[v].writing = True
        for of in self.of:
            of.waits = ()

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """That guest goes on: its accesses are over."""
        of = self.of[f.vcpu]
        of.writing = False
        if of.sending:
            sending, of.sending = of.sending, ()
            for v, vintid in sending:
                self.irqs.of(v, vintid).senders |= 1 << f.vcpu

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """A guest is left: note what KVM has to choose from."""
        of = self.of[f.vcpu]
        of.waits = ()
        if any(x.writing for x in self.of):
            return
        ideal, v = self.ideal, f.vcpu
        for irqs in (ideal.irqs.private[v], ideal.irqs.shared):
            for vintid in irqs:
                mask = self.pending(v, irqs[vintid], vintid)
                if mask and self.is_free(v, irqs[vintid], vintid):
                    of.waits = put(of.waits, vintid, mask)

    def pending(self, v: int, irq: Irq, vintid: int) -> int:
        """Return by whom it is certainly pending, as bits; 1 if nobody tells senders apart."""
        if vintid in self.ideal.levels:
            return 0
        if self.sourced and vintid < SGIS:
            return self.irqs.of(v, vintid).senders
        return int(irq.pending == YES)

    # -- what is taken ---------------------------------------------------------------------------

    @on(facts.LrMoved)
    def on_move(self, f: facts.LrMoved) -> None:
        """An acknowledge takes what one sender has sent."""
        v, lr = self.guests.on[f.pcpu].vcpu, f.before
        if f.access != "iar" or v < 0:
            return
        if self.sourced and lr.vintid < SGIS:
            self.irqs.of(v, lr.vintid).senders &= ~(1 << lr.source)
            by = self.of[lr.source]
            by.sending = remove(by.sending, (v, lr.vintid))
        of = self.of[v]
        if of.waits:
            kept = get(of.waits, lr.vintid, 0) & ~(1 << lr.source) if self.in_turn else 0
            of.waits = put(of.waits, lr.vintid, kept)

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """Look whether something more urgent is still pending."""
        v = self.guests.on[f.pcpu].vcpu
        if v < 0 or is_special(f.vintid) or not self.of[v].waits:
            return
        mask = self.priorities(self.ideal.irq(v, f.vintid), f.vintid)
        best = (mask & -mask).bit_length() - 1
        for vintid, senders in self.of[v].waits:
            irq = self.ideal.irq(v, vintid)
            if vintid == f.vintid or not senders & self.pending(v, irq, vintid):
                continue
            worst = self.priorities(irq, vintid).bit_length() - 1
            if worst < best and self.is_free(v, irq, vintid):
                self.report(
                    self.LESS, vcpu=v, vintid=vintid, priority=best << 3, other=f.vintid,
                    higher=worst << 3,
                )  # fmt: skip
                return

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """Its guest starts anew, and nothing is pending for it."""
        self.of[f.vcpu].reset()
        for of in self.of:
            of.waits = ()

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The VM monitor reset an interrupt."""
        if f.register == "reset":
            self.irqs.of(f.owner, f.vintid).reset()
