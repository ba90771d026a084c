"""The state of interrupts at the distributor: banked SGIs and PPIs, SPIs, LPIs.

Each of these is a :class:`~model.part.Part`: the unit of the footprint. What each presents to a CPU
interface is a function of its state, computed when the state is written and kept in the slots that
``CACHES`` names, so that the many readers of a CPU's interrupt signal only compare integers.
"""

from model.gic.registers import FIRST_LPI, GROUP_BIT, NONE, PRIORITY_SHIFT
from model.part import Part

__all__ = ["Bank", "Lpis", "Spi"]

PRIORITY_DEFAULT = 0xA0


class Bank(Part):
    """SGIs 0-15 and PPIs 16-31 of one CPU (IHI0048 section 4.3, IHI0069 GICR_* registers).

    All fields but two are masks with one bit per INTID. ``latch`` is the pending state that an
    edge or a write to ISPENDR leaves and an acknowledge clears; a level interrupt is pending also
    while its ``line`` is high. ``sources`` (GICv2 only) holds per SGI the mask of requesting CPUs;
    an SGI's latch bit is set while that mask is not 0. ``priority`` has one of 0 to 0xF8 per INTID.

    Derived: ``ready`` is what is pending, enabled and not active; ``best0`` and ``best1`` are the
    candidates of the groups (``model.gic.registers``), NONE if there is none.
    """

    FIELDS = ("enable", "latch", "line", "active", "edge", "group1", "priority", "sources")
    CACHES = ("ready", "best0", "best1")
    __slots__ = (*FIELDS, *CACHES, "cpu")

    enable: int
    latch: int
    line: int
    active: int
    edge: int
    group1: int
    priority: tuple[int, ...]
    sources: tuple[int, ...]
    ready: int
    best0: int
    best1: int

    def __init__(self, cpu: int, version: int) -> None:
        super().__init__()
        self.cpu = cpu
        self.enable = self.group1 = 0xFFFF_FFFF
        self.latch = self.line = self.active = 0
        self.edge = 0xFFFF
        self.priority = (PRIORITY_DEFAULT,) * 32
        self.sources = (0,) * 16 if version == 2 else ()
        self.derive()

    def refresh(self) -> None:
        """Recompute what this bank presents, after a change of anything but priority and group."""
        ready = (self.latch | self.line & ~self.edge) & self.enable & ~self.active
        if ready != self.ready:
            self.ready = ready
            if ready:
                self.best0 = self._best(ready & ~self.group1, 0)
                self.best1 = self._best(ready & self.group1, GROUP_BIT)
            else:
                self.best0 = self.best1 = NONE

    def derive(self) -> None:
        """Recompute what this bank presents, whatever changed."""
        self.ready = -1
        self.refresh()

    def _best(self, ready: int, group: int) -> int:
        best = NONE
        while ready:
            low = ready & -ready
            intid = low.bit_length() - 1
            candidate = self.priority[intid] << PRIORITY_SHIFT | group | intid
            if candidate < best:
                best = candidate
            ready ^= low
        return best


class Spi(Part):
    """One SPI: a single state that every CPU shares (IHI0048 section 4.3, IHI0069 chapter 4).

    ``targets`` is a mask of CPUs. GICv2 offers the interrupt to each of them and the first to
    acknowledge it wins (1-N model). GICv3 routes it to one CPU, or with IRM to any one of all.
    """

    FIELDS = ("enable", "latch", "line", "active", "edge", "group", "priority", "targets")
    CACHES = ("best0", "best1")
    __slots__ = (*FIELDS, *CACHES, "intid")

    enable: bool
    latch: bool
    line: bool
    active: bool
    edge: bool
    group: int
    priority: int
    targets: int
    best0: int
    best1: int

    def __init__(self, intid: int) -> None:
        super().__init__()
        self.intid = intid
        self.enable = True
        self.latch = self.line = self.active = self.edge = False
        self.group = 1
        self.priority = PRIORITY_DEFAULT
        self.targets = 1
        self.derive()

    def derive(self) -> None:
        """Recompute what this interrupt presents to the CPUs that ``targets`` names."""
        self.best0 = self.best1 = NONE
        if self.enable and not self.active and (self.latch or (self.line and not self.edge)):
            if self.group:
                self.best1 = self.priority << PRIORITY_SHIFT | GROUP_BIT | self.intid
            else:
                self.best0 = self.priority << PRIORITY_SHIFT | self.intid


class Lpis(Part):
    """The LPIs of one CPU: pending or inactive, never active (IHI0069 section 5.1).

    ``pending`` and ``disabled`` are masks, bit 0 for INTID 8192. ``priorities`` lists pairs of
    INTID and priority for the LPIs whose priority is not the default. LPIs are always group 1.
    """

    FIELDS = ("pending", "disabled", "priorities")
    CACHES = ("best1",)
    __slots__ = (*FIELDS, *CACHES, "cpu")

    pending: int
    disabled: int
    priorities: tuple[tuple[int, int], ...]
    best1: int

    def __init__(self, cpu: int) -> None:
        super().__init__()
        self.cpu = cpu
        self.pending = self.disabled = 0
        self.priorities = ()
        self.best1 = NONE

    def derive(self) -> None:
        """Recompute which LPI this CPU is offered."""
        ready = self.pending & ~self.disabled
        best = NONE
        if ready:
            own = dict(self.priorities)
            while ready:
                low = ready & -ready
                intid = FIRST_LPI + low.bit_length() - 1
                priority = own.get(intid, PRIORITY_DEFAULT) if own else PRIORITY_DEFAULT
                candidate = priority << PRIORITY_SHIFT | GROUP_BIT | intid
                if candidate < best:
                    best = candidate
                ready ^= low
        self.best1 = best
