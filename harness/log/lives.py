"""Which interrupt an event is about, and which of its lives: told from the facts alone.

A life of an interrupt begins with the first that is heard of it, and ends when the guest (or KVM
for it) deactivates it; what then follows, such as the fold, still belongs to it, until something
new asks for the interrupt. A timer's begins when the guest enables the timer; where guests are not
seen to do so, as in a trace of a kernel, when its level is high again. The number of a life
counts those of its interrupt from 1; before the first it is 0. So a run, a stored log and a trace
of a kernel, which knows no such number, count alike.
"""

from functools import cache
from typing import Any, NamedTuple

from model import facts
from model.facts import KINDS, Fact
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS, SPECIAL
from model.identity import PTIMER
from model.timer import ENABLE, PTIMER_PPI, VTIMER_PPI

__all__ = ["ABOUT", "Life", "Lives", "names_interrupt"]

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


@cache
def names_interrupt(cls: type[Fact]) -> bool:
    """Tell whether facts of a kind, be it one that only traces have, are of :data:`ABOUT`."""
    return not NAMED.isdisjoint(cls.__struct_fields__)


class Life(NamedTuple):
    """A life of an interrupt: ``intid`` of ``vcpu`` is a vINTID, of -1 (the host's) a pINTID."""

    vcpu: int
    intid: int
    number: int


class Way(NamedTuple):
    """What a kind of fact tells of interrupts, looked up once."""

    learns: bool
    """It tells that a VCPU gets a CPU's hardware."""
    raises: bool
    """It tells that a passthrough device has an event."""
    number: str
    """The field that names the interrupt; "" where none does."""
    virtual: bool
    """That number is a vINTID."""
    lr: bool
    timer: bool
    owner: str
    """The field with the VCPU whose interrupt it is; "" where the fact names none."""
    owned: bool
    """It is -1 for an interrupt that has no owner, and then that of ``vcpu`` counts."""
    pcpu: bool
    level: bool
    """It begins a life if its level is high."""
    asks: bool
    """It begins one whatever it says."""
    enables: bool
    """It begins a timer's life if it turns the timer on."""
    ends: bool


@cache
def way_of(cls: type[Fact]) -> Way:
    """Return what a kind of fact tells."""
    fields = cls.__struct_fields__
    owner = "vcpu" if "vcpu" in fields else ""
    if cls is facts.SgiSent:
        # One VCPU's guest may send, or write a register of, another one's interrupt.
        owner = "target"
    return Way(
        learns=cls in (facts.Loaded, facts.Placed, facts.Entered, facts.TimerRestored),
        raises=cls is facts.DeviceRaised,
        number=next((name for name in ("vintid", "intid") if name in fields), ""),
        virtual="vintid" in fields,
        lr=cls in (facts.LrWritten, facts.LrMoved),
        timer="timer" in fields,
        owner=owner,
        owned=cls in (facts.RegisterWritten, facts.GuestEnable),
        pcpu="pcpu" in fields,
        level=cls in (facts.Injected, facts.LineChanged),
        asks=cls in ASKS,
        enables=cls is facts.GuestTimer,
        ends=cls in ENDS,
    )


class Lives:
    """Learns whose interrupts are whose, and counts their lives, fact by fact.

    ``sees_guests`` is whether facts tell how guests program their timers: of a kernel they do not.
    """

    def __init__(self, *, sees_guests: bool = True) -> None:
        self.sees_guests = sees_guests
        self.last: dict[int, int] = {}
        self.forwarded: dict[int, tuple[int, int]] = {}
        self.owners: dict[int, int] = {}
        """The VCPU of each passthrough device, by vINTID: the first one that was heard of."""
        self.numbers: dict[tuple[int, int], int] = {}
        self.over: dict[tuple[int, int], bool] = {}

    def of(self, fact: Fact) -> Life | None:
        """Learn from a fact; return the life that it belongs to, if it is about an interrupt."""
        whose = self.hear(fact)
        return None if whose is None else Life(*whose, self.numbers.get(whose, 0))

    def hear(self, fact: Fact) -> tuple[int, int] | None:
        """Learn from a fact; return the VCPU and INTID whose interrupt it is about, as ``Life``."""
        way = way_of(type(fact))
        if way.learns:
            self.last[fact.pcpu] = fact.vcpu  # type: ignore[attr-defined]
        elif way.raises:
            self.learn(fact)
        whose = self.whose(fact, way)
        if whose is None:
            return None
        number = self.numbers.get(whose, 0)
        if self.begins(fact, way, whose, number):
            self.numbers[whose] = number + 1
            self.over[whose] = False
        elif way.ends:
            self.over[whose] = True
        return whose

    def learn(self, fact: Any) -> None:
        """Take notice of a device that is passed on."""
        # One that the VM monitor makes has no INTID.
        self.forwarded[fact.intid if fact.intid >= 0 else -fact.vintid] = (fact.vcpu, fact.vintid)
        self.owners.clear()
        for vcpu, vintid in self.forwarded.values():
            self.owners.setdefault(vintid, vcpu)

    def begins(self, fact: Any, way: Way, whose: tuple[int, int], number: int) -> bool:
        """Tell whether a life begins with this fact."""
        if whose[1] in TIMERS:
            if self.sees_guests:
                return way.enables and bool(fact.ctl & ENABLE)
            return way.level and bool(fact.level) and (not number or self.over[whose])
        if number and not self.over[whose]:
            return False
        if way.level:
            return bool(fact.level)
        return way.asks or not number

    def whose(self, fact: Any, way: Way) -> tuple[int, int] | None:
        """Return the VCPU and INTID whose interrupt it is about; (-1, INTID): the host's own."""
        virtual = way.virtual
        if way.number:
            intid = getattr(fact, way.number)
        elif way.lr:
            lr = fact.after if fact.after.state else fact.before
            intid, virtual = lr.vintid, True
        elif way.timer and fact.timer == PTIMER:
            intid = PTIMER_PPI
        else:
            intid = VTIMER_PPI
        if SPECIAL <= intid < FIRST_LPI or (intid < SGIS and not virtual):
            return None  # nothing was acknowledged, or one of the host's own IPIs
        if not virtual and intid in self.forwarded:
            return self.forwarded[intid]
        if way.owned and fact.owner >= 0:
            vcpu = fact.owner
        elif way.owner:
            vcpu = getattr(fact, way.owner)
        elif intid not in TIMERS and not virtual:
            return -1, intid
        else:
            vcpu = self.last.get(fact.pcpu, -1) if way.pcpu else -1
        if intid >= FIRST_SPI and self.owners:
            # An SPI's lives are told under the VCPU of its device, wherever it goes.
            vcpu = self.owners.get(intid, vcpu)
        return vcpu, intid
