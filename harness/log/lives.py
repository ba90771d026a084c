"""Which interrupt an event is about, and which of its lives: told from the facts alone.

A life of an interrupt begins with the first that is heard of it, and ends when the guest (or KVM
for it) deactivates it; what then follows, such as the fold, still belongs to it, until something
new asks for the interrupt. A timer's begins when the guest enables the timer. The number of a life
counts those of its interrupt from 1; before the first it is 0. So a run, a stored log and a trace
of a kernel, which knows no such number, count alike.
"""

from typing import NamedTuple

from model import facts
from model.facts import KINDS, Fact
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS, SPECIAL
from model.identity import PTIMER
from model.timer import ENABLE, PTIMER_PPI, VTIMER_PPI

__all__ = ["ABOUT", "Life", "Lives"]

TIMERS = (VTIMER_PPI, PTIMER_PPI)
ASKS = (
    facts.DeviceRaised,
    facts.EdgeArrived,
    facts.AckedByHost,
    facts.SgiSent,
    facts.RegisterWritten,
)
"""Facts that begin a life when the last has ended; a level or an injection does if it is high."""
ENDS = (facts.DeactivatedByGuest, facts.Emulated)
NAMED = {"vintid", "intid", "timer", "index"}
ABOUT = frozenset(cls for cls in KINDS.values() if NAMED.intersection(cls.__struct_fields__))
"""Facts that name an interrupt, a timer or a List Register; others are about a VCPU or a CPU."""


class Life(NamedTuple):
    """A life of an interrupt: ``intid`` of ``vcpu`` is a vINTID, of -1 (the host's) a pINTID."""

    vcpu: int
    intid: int
    number: int


class Lives:
    """Learns whose interrupts are whose, and counts their lives, fact by fact."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        self.forwarded: dict[int, tuple[int, int]] = {}
        self.numbers: dict[tuple[int, int], int] = {}
        self.over: dict[tuple[int, int], bool] = {}

    def of(self, fact: Fact) -> Life | None:
        """Learn from a fact; return the life that it belongs to, if it is about an interrupt."""
        self.learn(fact)
        whose = self.whose(fact)
        if whose is None:
            return None
        number = self.numbers.get(whose, 0)
        if self.begins(fact, whose, number):
            number = self.numbers[whose] = number + 1
            self.over[whose] = False
        elif isinstance(fact, ENDS):
            self.over[whose] = True
        return Life(*whose, number)

    def learn(self, fact: Fact) -> None:
        """Take notice of a VCPU that gets a CPU's hardware, and of a device that is passed on."""
        if isinstance(fact, facts.Loaded | facts.Placed | facts.Entered | facts.TimerRestored):
            self.last[fact.pcpu] = fact.vcpu
        elif isinstance(fact, facts.DeviceRaised):
            self.forwarded[fact.intid] = (fact.vcpu, fact.vintid)

    def begins(self, fact: Fact, whose: tuple[int, int], number: int) -> bool:
        """Tell whether a life begins with this fact."""
        if whose[1] in TIMERS:
            return isinstance(fact, facts.GuestTimer) and bool(fact.ctl & ENABLE)
        if number and not self.over[whose]:
            return False
        if isinstance(fact, facts.Injected | facts.LineChanged):
            return fact.level
        return isinstance(fact, ASKS) or not number

    def whose(self, fact: Fact) -> tuple[int, int] | None:
        """Return the VCPU and INTID whose interrupt it is about; (-1, INTID): the host's own."""
        intid: int = getattr(fact, "vintid", getattr(fact, "intid", VTIMER_PPI))
        virtual = hasattr(fact, "vintid")
        if isinstance(fact, facts.LrWritten | facts.LrMoved):
            lr = fact.after if fact.after.state else fact.before
            intid, virtual = lr.vintid, True
        elif getattr(fact, "timer", None) == PTIMER:
            intid = PTIMER_PPI
        if SPECIAL <= intid < FIRST_LPI or (intid < SGIS and not virtual):
            return None  # nothing was acknowledged, or one of the host's own IPIs
        if not virtual and intid in self.forwarded:
            return self.forwarded[intid]
        vcpu = holder(fact)
        if vcpu is None:
            if intid != VTIMER_PPI and not virtual:
                return -1, intid
            vcpu = self.last.get(getattr(fact, "pcpu", -1), -1)
        if intid >= FIRST_SPI:
            vcpu = self.owner(intid, vcpu)
        return vcpu, intid

    def owner(self, vintid: int, vcpu: int) -> int:
        """Return under which VCPU an SPI's lives are told: that of its device, wherever it goes."""
        return next((v for v, n in self.forwarded.values() if n == vintid), vcpu)


def holder(fact: Fact) -> int | None:
    """Return the VCPU that a fact names as the one whose interrupt it is about, if it does.

    One VCPU's guest may send, or write a register of, another one's interrupt.
    """
    if isinstance(fact, facts.SgiSent):
        return fact.target
    if isinstance(fact, facts.RegisterWritten | facts.GuestEnable) and fact.owner >= 0:
        return fact.owner
    vcpu: int | None = getattr(fact, "vcpu", None)
    return vcpu
