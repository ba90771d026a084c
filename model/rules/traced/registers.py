"""What is written into List Registers, and what the fold makes of what it finds there."""

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
from model.gic.registers import HCR_EN

__all__ = ["T9", "T11"]

Wanted = tuple[int, int, bool, bool]
"""What is to go into a List Register: vINTID, INTID (-1: none), pending, active."""


class Filling(State):
    """``wanted`` for the List Registers of a CPU, by index; ``off``: they are turned off."""

    off: Debt[bool] = False
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

    OFF = alarm(
        "off",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with List Registers in use and the virtual "
        "CPU interface off",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states, by CPU."""
        self.on = self.members(Filling)

    @on(facts.HcrWritten)
    def on_hcr(self, f: facts.HcrWritten) -> None:
        """The virtual CPU interface is on or off."""
        self.on[f.pcpu].off = not f.value & HCR_EN

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
        if on_cpu.off:
            self.report(self.OFF, vcpu=f.vcpu, pcpu=f.pcpu)
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
    """``asked``: the fold is to read the line; ``high``: as it read it (-1: not known).

    ``active``: as the guest left it (-1: not known).
    """

    active: Debt[int] = -1
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

    STATE = alarm(
        "active",
        "VCPU {vcpu} has vINTID {vintid} {active:in|}active in software, but its guest left it "
        "{active:|in}active, and nothing changed it since",
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
        if f.vintid in TIMER_OF:
            self.lines[f.vcpu, f.vintid].active = int(f.active)

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
            line = self.lines[f.vcpu, vintid]
            line.high = line.active = -1

    @on(traced.SoftwareSeen)
    def on_software(self, f: traced.SoftwareSeen) -> None:
        """Software has what was read."""
        line = self.lines[f.vcpu, f.vintid]
        high, line.high = line.high, -1
        active, line.active = line.active, -1
        if active >= 0 and active != f.active:
            self.report(self.STATE, vcpu=f.vcpu, vintid=f.vintid, active=f.active)
        if high >= 0 and high != f.line_level:
            self.report(self.LINE, vcpu=f.vcpu, vintid=f.vintid, level=f.line_level)
