"""What is in the List Registers at an entry: all that is due, and nothing that is not."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.handlings import TIMER_OF
from model.check.views.list_registers import ListRegisters
from model.facts import traced
from model.gic.lr import PENDING
from model.gic.registers import SGIS

__all__ = ["T4", "T5", "T15"]


class Owed(State):
    """vINTIDs that are not accounted for: what was left ``pending`` at an exit, and ``active``."""

    pending: Debt[tuple[int, ...]] = ()
    active: Debt[tuple[int, ...]] = ()


class T4(Rule):
    """A timer's interrupt or an SGI that the guest did not take is presented again, or was retired.

    A timer's is retired by KVM that reads the line low, by a report that it is low, and by the
    guest that disables it or takes the pending state back. What a guest handles stays active.
    """

    id = "T4"
    section = "Linux vgic.c, vgic_irq_handle_resampling and vgic_flush_lr_state"
    title = "what is left pending at an exit is in a List Register at the next entry, or retired"

    LEFT_OUT = alarm(
        "left-out",
        "VCPU {vcpu} entered its guest on CPU {pcpu} without vINTID {vintid}, which was left "
        "pending at its last exit and was not retired",
    )
    NOT_ACTIVE = alarm(
        "not-active",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} in no List Register, "
        "which was active at its last exit",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Owed)

    def drop(self, v: int, vintid: int) -> None:
        """It is accounted for."""
        of = self.of[v]
        if vintid in of.pending:
            of.pending = tuple([x for x in of.pending if x != vintid])

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """It was left pending, or active."""
        of = self.of[f.vcpu]
        if f.state & PENDING and (f.vintid in TIMER_OF or f.vintid < SGIS):
            of.pending = (*of.pending, f.vintid)
        if f.active:
            of.active = (*of.active, f.vintid)

    @on(facts.Resampled, facts.Injected)
    def on_level(self, f: facts.Resampled | facts.Injected) -> None:
        """The line is low."""
        if not f.level:
            self.drop(f.vcpu, f.vintid)

    @on(traced.SoftwareSeen)
    def on_software(self, f: traced.SoftwareSeen) -> None:
        """The guest has disabled it."""
        if not f.enabled:
            self.drop(f.vcpu, f.vintid)

    @on(traced.Meddled)
    def on_meddled(self, f: traced.Meddled) -> None:
        """It may have been taken back."""
        of = self.of[f.vcpu]
        of.pending = of.active = ()

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It is presented, if there is room."""
        of = self.of[f.vcpu]
        pending, active = of.pending, of.active
        of.pending = of.active = ()
        if not pending and not active:
            return
        used = self.lrs.on[f.pcpu].used
        held = [lr.vintid for _, lr in used]
        if len(used) >= self.setting.lrs:
            return
        for vintid in pending:
            if vintid not in held:
                self.report(self.LEFT_OUT, vcpu=f.vcpu, pcpu=f.pcpu, vintid=vintid)
        for vintid in active:
            if vintid not in held and vintid not in pending:
                self.report(self.NOT_ACTIVE, vcpu=f.vcpu, pcpu=f.pcpu, vintid=vintid)


class Due(State):
    """``vintids`` that a flush has to put into List Registers."""

    vintids: Debt[tuple[int, ...]] = ()


class T15(Rule):
    """What software has pending and enabled at the flush is in a List Register at the entry."""

    id = "T15"
    section = "Linux vgic.c, vgic_queue_irq_unlock and vgic_flush_lr_state"
    title = "a timer interrupt that is pending and enabled at the flush is presented at the entry"

    NOT_PRESENTED = alarm(
        "not-presented",
        "VCPU {vcpu} entered its guest on CPU {pcpu} without vINTID {vintid}, which was pending "
        "and enabled at the flush",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Due)

    @on(traced.FlushOwes)
    def on_owes(self, f: traced.FlushOwes) -> None:
        """It is to be presented."""
        self.of[f.vcpu].vintids = (f.vintid,)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It is."""
        of = self.of[f.vcpu]
        due, of.vintids = of.vintids, ()
        if not due:
            return
        used = self.lrs.on[f.pcpu].used
        held = [lr.vintid for _, lr in used]
        for vintid in due:
            if vintid not in held and len(used) < self.setting.lrs:
                self.report(self.NOT_PRESENTED, vcpu=f.vcpu, pcpu=f.pcpu, vintid=vintid)


class Asserted(State):
    """``line``: it was reported high since it was last over; ``fresh``: since the last entry.

    ``shown``: it was left pending at the last exit. Where that is not known it is taken for so.
    """

    line: Debt[bool] = True
    fresh: Debt[bool] = True
    shown: Debt[bool] = True


class T5(Rule):
    """A timer's interrupt is presented anew only if its line was reported high since it was over.

    It is over when an exit finds its List Register empty. That happened at some time during the
    stay, so what was reported since the entry counts for the next.
    """

    id = "T5"
    section = "Linux arch_timer.c and vgic.c: level interrupts (derived)"
    title = "a newly presented timer interrupt was asserted since the last one was over"

    MADE_UP = alarm(
        "made-up",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} newly pending, but "
        "nothing had raised its line since the last one was over",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states, by VCPU and vINTID."""
        self.of = self.members(Asserted)

    @on(facts.Injected, facts.Resampled)
    def on_level(self, f: facts.Injected | facts.Resampled) -> None:
        """The line is high, or low."""
        if f.vintid in TIMER_OF:
            of = self.of[f.vcpu, f.vintid]
            of.line = of.fresh = f.level

    @on(traced.Meddled)
    def on_meddled(self, f: traced.Meddled) -> None:
        """The guest may have made it pending itself."""
        for vintid in TIMER_OF:
            of = self.of[f.vcpu, vintid]
            of.line = of.fresh = True

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """What the guest made of it."""
        if f.vintid in TIMER_OF:
            of = self.of[f.vcpu, f.vintid]
            of.shown = bool(f.state & PENDING)
            if not f.state:
                of.line = of.fresh

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is presented was asserted."""
        for _, lr in self.lrs.on[f.pcpu].used:
            if not lr.hw or lr.vintid not in TIMER_OF or not lr.state & PENDING:
                continue
            of = self.of[f.vcpu, lr.vintid]
            if not of.line and not of.shown:
                of.line = True
                self.report(self.MADE_UP, vcpu=f.vcpu, pcpu=f.pcpu, vintid=lr.vintid)
        for vintid in TIMER_OF:
            self.of[f.vcpu, vintid].fresh = False
