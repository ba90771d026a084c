"""What an acknowledge returns, and what becomes active by it (section "Life Cycle")."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.list_registers import ListRegisters
from model.check.views.running_priority import is_special
from model.gic.lr import ACTIVE, PENDING, STATES
from model.gic.registers import FIRST_LPI

__all__ = ["R9", "R7a", "R7b"]


class Acknowledged(State):
    """``number``: what was acknowledged there and did not become active yet, or -1."""

    number: int = -1


class R7a(Rule):
    """The host's acknowledge makes what it names active, before anything else happens there."""

    id = "R7a"
    section = "Life Cycle, item 1"
    title = "what the host acknowledges becomes active at the distributor"
    hardware = True

    UNASKED = alarm(
        "unasked", "INTID {intid} changed its active state by an acknowledge not for it"
    )
    INACTIVE = alarm(
        "inactive", "CPU {pcpu} acknowledged INTID {intid}, which did not become active"
    )

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Acknowledged)

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """It is to become active now; an LPI has no active state."""
        intid = f.intid
        self.expect(f.pcpu, intid if intid < FIRST_LPI and not is_special(intid) else -1)

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """It does."""
        if f.cause != "ack":
            return
        # Of an SPI's state there is one; one CPU's acknowledge has won it.
        for on_cpu in (self.on[f.pcpu],) if f.pcpu >= 0 else self.on:
            if f.after and on_cpu.number == f.intid:
                on_cpu.number = -1
                return
        self.report(self.UNASKED, pcpu=f.pcpu, intid=f.intid)

    @on(facts.PriorityDropped)
    def on_drop(self, f: facts.PriorityDropped) -> None:
        """That was the time."""
        self.expect(f.pcpu, -1)

    def expect(self, c: int, intid: int) -> None:
        """Expect ``intid`` to become active (-1: nothing); what was expected did, or it is late."""
        on_cpu = self.on[c]
        missing, on_cpu.number = on_cpu.number, intid
        if missing >= 0:
            self.report(self.INACTIVE, pcpu=c, intid=missing)


class R7b(Rule):
    """A guest is given what a register has pending, and pending only."""

    id = "R7b"
    section = "Life Cycle, item 2"
    title = "a guest acknowledges only what an LR has exactly pending"
    hardware = True

    NOT_PENDING = alarm(
        "not-pending",
        "the guest on CPU {pcpu} acknowledged vINTID {vintid}, which is {held} there",
    )
    NOWHERE = alarm(
        "nowhere",
        "the guest on CPU {pcpu} acknowledged vINTID {vintid}, which is in no List Register in use "
        "there",
    )

    lrs: ListRegisters

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """A register has it pending."""
        vintid = f.vintid
        if is_special(vintid):
            return
        states = [lr.state for _, lr in self.lrs.on[f.pcpu].used if lr.vintid == vintid]
        if not states:
            self.report(self.NOWHERE, pcpu=f.pcpu, vintid=vintid)
        elif PENDING not in states:
            held = " and ".join([STATES[state] for state in states])
            self.report(self.NOT_PENDING, pcpu=f.pcpu, vintid=vintid, held=held)


class R9(Rule):
    """The acknowledge moves the register that it names from pending to active, and no more."""

    id = "R9"
    section = "Life Cycle, item 4"
    title = "a guest's acknowledge makes exactly one LR active, that of the vINTID it returns"
    hardware = True

    OTHER = alarm(
        "other",
        "LR{index} of CPU {pcpu} (vINTID {vintid}, {state:inactive|pending|active|pending+active}) "
        "moved by an acknowledge that was not for it",
    )
    NOT_ACTIVE = alarm(
        "not-active",
        "LR{index} of CPU {pcpu} (vINTID {vintid}) is "
        "{state:inactive|pending|active|pending+active} after the guest's acknowledge, not active",
    )
    NONE = alarm(
        "none",
        "the guest on CPU {pcpu} acknowledged vINTID {vintid}, and no List Register became active "
        "for it",
    )

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Acknowledged)

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """Its register is to become active now."""
        self.expect(f.pcpu, -1 if is_special(f.vintid) else f.vintid)

    @on(facts.LrMoved)
    def on_moved(self, f: facts.LrMoved) -> None:
        """It does."""
        before = f.before
        if f.access != "iar" or is_special(before.vintid):
            return
        c, i, state = f.pcpu, f.index, f.after.state
        on_cpu = self.on[c]
        vintid, on_cpu.number = on_cpu.number, -1
        if before.state != PENDING or before.vintid != vintid:
            self.report(self.OTHER, pcpu=c, index=i, vintid=before.vintid, state=before.state)
        elif state != ACTIVE:
            self.report(self.NOT_ACTIVE, pcpu=c, index=i, vintid=vintid, state=state)

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """That was the time."""
        self.expect(f.pcpu, -1)

    def expect(self, c: int, vintid: int) -> None:
        """Expect a register of ``vintid`` to become active (-1: none), and the last one to be."""
        on_cpu = self.on[c]
        missing, on_cpu.number = on_cpu.number, vintid
        if missing >= 0:
            self.report(self.NONE, pcpu=c, vintid=missing)
