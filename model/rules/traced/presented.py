"""What is in the List Registers at an entry: all that is due, and nothing that is not."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.table import Table, get, put
from model.check.unknown import Debt
from model.check.views.handlings import TIMER_OF
from model.check.views.list_registers import ListRegisters
from model.facts import traced
from model.gic.lr import ACTIVE, PENDING

__all__ = ["T4", "T5", "T9", "T11"]


class Owed(State):
    """``vintids`` of its timers that were left pending at an exit, and are not accounted for."""

    vintids: Debt[tuple[int, ...]] = ()


class T4(Rule):
    """A timer's interrupt that the guest did not take is presented again, or was retired.

    It is retired by KVM that reads the line low, by a report that it is low, and by the guest that
    disables it or takes the pending state back.
    """

    id = "T4"
    section = "Linux vgic.c, vgic_irq_handle_resampling and vgic_flush_lr_state"
    title = "what is left pending at an exit is in a List Register at the next entry, or retired"

    LEFT_OUT = alarm(
        "left-out",
        "VCPU {vcpu} entered its guest on CPU {pcpu} without vINTID {vintid}, which was left "
        "pending at its last exit and was not retired",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Owed)

    def drop(self, v: int, vintid: int) -> None:
        """It is accounted for."""
        of = self.of[v]
        if vintid in of.vintids:
            of.vintids = tuple([x for x in of.vintids if x != vintid])

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """It was left pending."""
        if f.vintid in TIMER_OF:
            self.drop(f.vcpu, f.vintid)
            if f.state & PENDING:
                of = self.of[f.vcpu]
                of.vintids = (*of.vintids, f.vintid)

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
        self.of[f.vcpu].vintids = ()

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It is presented, if there is room."""
        of = self.of[f.vcpu]
        owed, of.vintids = of.vintids, ()
        if not owed:
            return
        used = self.lrs.on[f.pcpu].used
        held = [lr.vintid for _, lr in used]
        if len(used) >= self.setting.lrs:
            return
        for vintid in owed:
            if vintid not in held:
                self.report(self.LEFT_OUT, vcpu=f.vcpu, pcpu=f.pcpu, vintid=vintid)


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


Wanted = tuple[int, int, bool, bool]
"""What is to go into a List Register: vINTID, INTID (-1: none), pending, active."""


class Filling(State):
    """``wanted`` for the List Registers of a CPU, by index."""

    wanted: Debt[Table[int, Wanted]] = ()


class T9(Rule):
    """A List Register says what the software state said when it was filled."""

    id = "T9"
    section = "Linux vgic-v2.c and vgic-v3.c, vgic_v2_populate_lr and vgic_v3_populate_lr"
    title = "a List Register has the interrupt, the link and the state that software had for it"

    EMPTY = alarm(
        "empty", "LR{index} of CPU {pcpu} is inactive, but was filled with vINTID {vintid}"
    )
    OTHER = alarm(
        "other", "LR{index} of CPU {pcpu} has vINTID {other}, but was filled with vINTID {vintid}"
    )
    LINK = alarm(
        "link",
        "LR{index} of CPU {pcpu} has vINTID {vintid} {hw:without|with} the HW bit, but it is "
        "{hw:|not }mapped",
    )
    INTID = alarm(
        "intid",
        "LR{index} of CPU {pcpu} has vINTID {vintid} linked to INTID {linked}, but it is mapped to "
        "INTID {intid}",
    )
    STATE = alarm(
        "state",
        "LR{index} of CPU {pcpu} has vINTID {vintid} {state:inactive|pending|active|pending+active}"
        ", but software has it {pending:not |}pending and {active:not |}active",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states, by CPU."""
        self.on = self.members(Filling)

    @on(traced.Populated)
    def on_populated(self, f: traced.Populated) -> None:
        """A register is to be filled; the first one begins a flush."""
        on_cpu = self.on[f.pcpu]
        wanted = on_cpu.wanted if f.index else ()
        on_cpu.wanted = put(wanted, f.index, (f.vintid, f.intid, f.pending, f.active))

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It was."""
        on_cpu = self.on[f.pcpu]
        filled, on_cpu.wanted = on_cpu.wanted, ()
        if not filled:
            return
        used = self.lrs.on[f.pcpu].used
        for index, (vintid, intid, pending, active) in filled:
            lr = get(used, index, None)
            said = {"vcpu": f.vcpu, "pcpu": f.pcpu, "index": index, "vintid": vintid}
            if lr is None:
                self.report(self.EMPTY, **said)
            elif lr.vintid != vintid:
                self.report(self.OTHER, other=lr.vintid, **said)
            elif lr.hw != (intid >= 0):
                self.report(self.LINK, hw=lr.hw, **said)
            elif lr.hw and lr.pintid != intid:
                self.report(self.INTID, intid=intid, linked=lr.pintid, **said)
            elif not as_wanted(lr.state, pending=pending, active=active):
                self.report(self.STATE, state=lr.state, pending=pending, active=active, **said)


def as_wanted(state: int, *, pending: bool, active: bool) -> bool:
    """Tell whether a register's state stands for this; one that is active may leave pending out."""
    if bool(state & ACTIVE) != active:
        return False
    if state & PENDING:
        return pending
    return active or not pending


class Looked(State):
    """``folded``: what was in a List Register; ``looked``: at what of it the fold looked."""

    folded: Debt[tuple[int, ...]] = ()
    looked: Debt[tuple[int, ...]] = ()


class Line(State):
    """``asked``: the fold is to read the line; ``high``: as it read it (-1: not known)."""

    asked: Debt[bool] = True
    high: Debt[int] = -1


class T11(Rule):
    """The fold reads the line of a mapped interrupt again, and retires it iff it is low.

    It is asked to where the guest left it pending, or deactivated it and the line was high.
    """

    id = "T11"
    section = "Linux vgic.c, vgic_irq_handle_resampling (5.14 and later)"
    title = "the fold looks at every List Register, and retires what it has read to be low"

    SKIPPED = alarm("skipped", "VCPU {vcpu} folded vINTID {vintid} and did not look at its line")
    UNASKED = alarm(
        "unasked",
        "VCPU {vcpu} retired vINTID {vintid} at an exit where there was no reason to read its line",
    )
    LINE = alarm(
        "line",
        "VCPU {vcpu} has the line of vINTID {vintid} {level:low|high} in software, but the fold "
        "{level:did not retire it|retired it}, and nothing changed it since",
    )

    def setup(self) -> None:
        """Make the states, by VCPU, and by VCPU and vINTID."""
        self.of = self.members(Looked, "of")
        self.lines = self.members(Line, "lines")

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """It was in a List Register."""
        of = self.of[f.vcpu]
        of.folded = (*of.folded, f.vintid)

    @on(traced.ResampleCalled)
    def on_called(self, f: traced.ResampleCalled) -> None:
        """The fold looks at it."""
        of = self.of[f.vcpu]
        of.looked = (*of.looked, f.vintid)
        if f.vintid in TIMER_OF:
            self.lines[f.vcpu, f.vintid].asked = f.asked

    @on(facts.Resampled)
    def on_resampled(self, f: facts.Resampled) -> None:
        """It has read the line, and retired the interrupt if it is low."""
        line = self.lines[f.vcpu, f.vintid]
        line.high = int(f.level)
        if not line.asked:
            self.report(self.UNASKED, vcpu=f.vcpu, vintid=f.vintid)

    @on(traced.FoldEnded)
    def on_fold_ended(self, f: traced.FoldEnded) -> None:
        """It has looked at all."""
        of = self.of[f.vcpu]
        folded, looked = of.folded, of.looked
        of.folded = of.looked = ()
        for vintid in folded:
            if vintid not in looked:
                self.report(self.SKIPPED, vcpu=f.vcpu, vintid=vintid)

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """The line is another, perhaps."""
        if f.vintid in TIMER_OF:
            self.lines[f.vcpu, f.vintid].high = -1

    @on(traced.Meddled)
    def on_meddled(self, f: traced.Meddled) -> None:
        """So it is."""
        for vintid in TIMER_OF:
            self.lines[f.vcpu, vintid].high = -1

    @on(traced.SoftwareSeen)
    def on_software(self, f: traced.SoftwareSeen) -> None:
        """Software has what was read."""
        line = self.lines[f.vcpu, f.vintid]
        high, line.high = line.high, -1
        if high >= 0 and high != f.line_level:
            self.report(self.LINE, vcpu=f.vcpu, vintid=f.vintid, level=f.line_level)
