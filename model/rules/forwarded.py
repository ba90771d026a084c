"""What the document says of passthrough devices: the host acknowledges, the guest ends."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Forwarded, Setting
from model.check.state import State
from model.check.views.guests import Guests
from model.check.views.list_registers import ListRegisters
from model.gic.registers import FIRST_LPI, FIRST_SPI
from model.rules.arrivals import Arrivals

__all__ = ["R4", "R13", "R20", "R21", "R2b"]


class R2b(Rule):
    """A virtual interrupt is in one List Register at most, on one CPU at most."""

    id = "R2b"
    section = "The HW bit, paragraph 1 (IHI0069 ICH_LR<n>_EL2)"
    title = "at an entry no virtual interrupt is in two List Registers"

    TWICE = alarm(
        "twice",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} in two List Registers",
    )
    ELSEWHERE = alarm(
        "elsewhere",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} in a List Register while "
        "CPU {other} has it in one too",
    )

    guests: Guests
    lrs: ListRegisters

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Look at what the guest is entered with."""
        seen: list[int] = []
        for _, lr in self.lrs.on[f.pcpu].used:
            if lr.vintid in seen:
                self.report(self.TWICE, vcpu=f.vcpu, pcpu=f.pcpu, vintid=lr.vintid)
            seen.append(lr.vintid)
        if seen and max(seen) >= FIRST_SPI:
            self.look_elsewhere(f, [vintid for vintid in seen if vintid >= FIRST_SPI])

    def look_elsewhere(self, f: facts.Entered, spis: list[int]) -> None:
        """Complain of ``spis`` that another guest runs with, too."""
        for c, guest in enumerate(self.guests.on):
            if c == f.pcpu or guest.vcpu < 0:
                continue
            for _, lr in self.lrs.on[c].used:
                if lr.vintid in spis:
                    self.report(self.ELSEWHERE, vcpu=f.vcpu, pcpu=f.pcpu, vintid=lr.vintid, other=c)


class R4(Rule):
    """A HW register names the physical interrupt that its virtual one is mapped to."""

    id = "R4"
    section = "The HW bit, paragraph 2"
    title = "KVM writes the mapped physical INTID into each HW List Register"

    OTHER = alarm(
        "other",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid} linked to INTID {intid}, but it is "
        "mapped to {mapped}",
    )
    NOT_MAPPED = alarm(
        "not-mapped",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid} linked to INTID {intid}, but it is "
        "mapped to None",
    )

    def setup(self) -> None:
        """Note what is mapped to what."""
        self.mapped = {intid: intid for intid in self.setting.direct}
        self.mapped.update({x.vintid: x.intid for x in self.setting.forwards})

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """Look at what KVM writes."""
        lr = f.after
        if not lr.state or not lr.hw:
            return
        mapped = self.mapped.get(lr.vintid, -1)
        if mapped == lr.pintid:
            return
        said = {"index": f.index, "pcpu": f.pcpu, "vintid": lr.vintid, "intid": lr.pintid}
        if mapped >= 0:
            self.report(self.OTHER, mapped=mapped, **said)
        else:
            self.report(self.NOT_MAPPED, **said)


class UnderWay(State):
    """``n`` counts the guest's deactivations that have not been seen to take effect."""

    n: int = 0


class R13(Rule):
    """Not shared: the host leaves it active when its handler ends; the guest deactivates it."""

    id = "R13"
    section = "Life Cycle, note (*), non-shared interrupts"
    title = "the host never deactivates a forwarded SPI: its guest does"
    trusts = (
        "it only excuses a deactivation: that none was asked for by the guest's EOI or DIR is "
        "I8's and G4's to tell"
    )

    DEACTIVATED = alarm(
        "deactivated", "the host deactivated INTID {intid}, which is forwarded to a guest"
    )

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Where something is forwarded."""
        return bool(setting.forwards)

    def setup(self) -> None:
        """Make the states, by INTID."""
        intids = [x.intid for x in self.setting.forwards]
        self.of = {intid: self.one(UnderWay, f"intid{intid}") for intid in intids}

    @on(facts.DeactivationSent, facts.Emulated)
    def on_sent(self, f: facts.DeactivationSent | facts.Emulated) -> None:
        """By its List Register, or by KVM in the guest's stead where it has none."""
        if f.intid in self.of:
            self.of[f.intid].n += 1

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """Somebody deactivated it."""
        if f.after or f.intid not in self.of or f.cause != "deactivate":
            return
        under_way = self.of[f.intid]
        if under_way.n:
            under_way.n -= 1
        else:
            self.report(self.DEACTIVATED, intid=f.intid)


class Taken(State):
    """``yes``: a CPU has acknowledged it, and it has been active since."""

    yes: bool = False


class R20(Rule):
    """While it is active an edge only marks it pending: no CPU is interrupted."""

    id = "R20"
    section = "Edge and Level, paragraph 3"
    title = "a CPU never acknowledges a forwarded interrupt that is active"
    hardware = True

    ACTIVE = alarm("active", "CPU {pcpu} acknowledged INTID {intid} while it was active")

    def setup(self) -> None:
        """Make the states, by INTID."""
        intids = [x.intid for x in self.setting.forwards if x.intid < FIRST_LPI]
        self.of = {intid: self.one(Taken, f"intid{intid}") for intid in intids}

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """It may come again."""
        if not f.after and f.intid in self.of:
            self.of[f.intid].yes = False

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """The acknowledge itself makes it active; a second one before it ends is the fault."""
        taken = self.of.get(f.intid)
        if taken is None:
            return
        yes, taken.yes = taken.yes, True
        if yes:
            self.report(self.ACTIVE, pcpu=f.pcpu, intid=f.intid)


class R21(Arrivals):
    """Edges in the window from the host's acknowledge to the deactivation: one more interrupt."""

    id = "R21"
    section = "Edge and Level, paragraph 3"
    title = "after the deactivation the host takes an edge again iff one came while it was active"

    @classmethod
    def counts(cls, forward: Forwarded) -> bool:
        """SPIs that are edges."""
        return not forward.level and forward.intid < FIRST_LPI
