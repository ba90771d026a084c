"""The physical CPU interface: what a CPU is signalled, acknowledges, drops and deactivates.

IHI0048 section 4.4 (GICC_*) and IHI0069 section 4.8 (ICC_*). The defaults are those of a Linux
host: priority mask 0xF0, group 1 enabled, EOImode 1.
"""

from model.facts import AckedByHost, PriorityDropped
from model.gic.distributor import Distributor
from model.gic.registers import (
    GROUP_BIT,
    IDLE,
    INTID_MASK,
    MIN_BPR0,
    MIN_BPR1,
    NONE,
    PRIORITY_MASK,
    PRIORITY_SHIFT,
    SPURIOUS,
    group_mask,
)
from model.part import Part

__all__ = ["CpuInterface", "PhysicalInterfaces"]


class CpuInterface(Part):
    """The registers of the interface of CPU ``cpu`` (0 to 7), as a Linux host leaves them.

    ``pmr`` is a priority (0 to 0xF8, lower is higher); ``bpr0`` and ``bpr1`` binary points (from 2
    and from 3 up to 7). ``apr0`` and ``apr1`` hold one bit per active group priority (bit n:
    priority 8 * n). ``wedged`` means that an erratum stopped the delivery of interrupts here for
    good.

    Derived: ``limit0`` and ``limit1`` are what a candidate of that group must be less than to be
    signalled, ``running`` is the running priority (0xFF when idle), ``mask0`` and ``mask1`` are the
    bits of a priority that take part in preemption.
    """

    FIELDS = (
        "pmr", "bpr0", "bpr1", "cbpr", "eoimode", "enable0", "enable1", "apr0", "apr1", "wedged",
    )  # fmt: skip
    CACHES = ("limit0", "limit1", "running", "mask0", "mask1")
    __slots__ = (*FIELDS, *CACHES, "cpu")

    pmr: int
    bpr0: int
    bpr1: int
    cbpr: bool
    eoimode: int
    enable0: bool
    enable1: bool
    apr0: int
    apr1: int
    wedged: bool
    limit0: int
    limit1: int
    running: int
    mask0: int
    mask1: int

    def __init__(self, cpu: int) -> None:
        super().__init__()
        self.cpu = cpu
        self.pmr = 0xF0
        self.bpr0 = MIN_BPR0
        self.bpr1 = MIN_BPR1
        self.cbpr = False
        self.eoimode = 1
        self.enable0 = False
        self.enable1 = True
        self.apr0 = self.apr1 = 0
        self.wedged = False
        self.derive()

    def derive(self) -> None:
        """Recompute all derived values, the preemption masks of the groups included."""
        self.mask0 = group_mask(0, self.bpr0, self.bpr1)
        self.mask1 = group_mask(1, self.bpr0, self.bpr1, self.cbpr)
        self.refresh()

    def refresh(self) -> None:
        """Recompute the limits, after a change of anything but the binary points.

        A pending interrupt is signalled if its priority is higher than the mask and its group
        priority higher than the running priority (IHI0048 section 3.3).
        """
        apr = self.apr0 | self.apr1
        limit0 = limit1 = self.pmr
        if apr:
            self.running = running = ((apr & -apr).bit_length() - 1) << 3
            limit0 = min(limit0, running & self.mask0)
            limit1 = min(limit1, running & self.mask1)
        else:
            self.running = IDLE
        if self.wedged:
            limit0 = limit1 = 0
        self.limit0 = limit0 << PRIORITY_SHIFT if self.enable0 else 0
        self.limit1 = limit1 << PRIORITY_SHIFT if self.enable1 else 0


class PhysicalInterfaces(Distributor):
    """The distributor together with the CPU interface of each CPU.

    GICv2 accesses act on both groups, as one security state sees them (GICC_CTLR.AckCtl = 1).
    In GICv3 ``group`` says which register is meant: ICC_IAR1_EL1 and its like by default (1), those
    of group 0 with 0. Accesses take effect at once; no register of a CPU interface raises.
    """

    cpuifs: list[CpuInterface]
    erratum: bool

    def irq_signal(self, c: int) -> bool:
        """Return the level of the IRQ input of CPU ``c``, as the GIC drives it.

        True while an interrupt of group 1 (in GICv2: of either) passes mask and running priority.
        """
        cpuif = self.cpuifs[c]
        if cpuif.enable0:
            best = self._best(c)
            if best & GROUP_BIT:
                return best < cpuif.limit1
            return self.version == 2 and best < cpuif.limit0
        limit = cpuif.limit1
        if self.banks[c].best1 < limit:
            return True
        for spi in self.spi_list:
            if spi.best1 < limit and spi.targets >> c & 1:
                return True
        return self.version == 3 and self.lpis[c].best1 < limit

    def fiq_signal(self, c: int) -> bool:
        """Return the level of the FIQ input of CPU ``c``: group 0, GICv3 only.

        GICv2 has GICC_CTLR.FIQEn = 0 here: group 0 is signalled as IRQ.
        """
        cpuif = self.cpuifs[c]
        if not cpuif.enable0 or self.version == 2:
            return False
        best = self._best(c)
        return not best & GROUP_BIT and best < cpuif.limit0

    def _best(self, c: int) -> int:
        """Return the first candidate for CPU ``c`` in the groups it enables."""
        cpuif = self.cpuifs[c]
        bank = self.banks[c]
        best = NONE
        if cpuif.enable1:
            best = bank.best1
            for spi in self.spi_list:
                if spi.best1 < best and spi.targets >> c & 1:
                    best = spi.best1
            if self.version == 3 and self.lpis[c].best1 < best:
                best = self.lpis[c].best1
        if cpuif.enable0:
            best = min(best, bank.best0)
            for spi in self.spi_list:
                if spi.best0 < best and spi.targets >> c & 1:
                    best = spi.best0
        return best

    def _of_group(self, best: int, group: int) -> bool:
        return self.version == 2 or bool(best & GROUP_BIT) == bool(group)

    def iar(self, c: int, group: int = 1) -> int:
        """Acknowledge: read GICC_IAR, ICC_IAR0_EL1 or ICC_IAR1_EL1.

        The interrupt becomes active (an LPI inactive) and its group priority too.

        Returns:
            The INTID of the first interrupt that may be taken, or 1023 if there is none. GICv2 adds
            the requesting CPU of an SGI in bits [12:10] (IHI0048 section 4.4.4).
        """
        cpuif = self.cpuifs[c]
        best = self._best(c)
        emit = self.emit
        limit = cpuif.limit1 if best & GROUP_BIT else cpuif.limit0
        if best >= limit or not self._of_group(best, group):
            if emit is not None:
                emit(AckedByHost(c, SPURIOUS))
            return SPURIOUS
        intid = best & INTID_MASK
        priority = best >> PRIORITY_SHIFT
        if best & GROUP_BIT:
            cpuif.apr1 |= 1 << ((priority & cpuif.mask1) >> 3)
        else:
            cpuif.apr0 |= 1 << ((priority & cpuif.mask0) >> 3)
        cpuif.refresh()
        if emit is not None:
            emit(AckedByHost(c, intid))
        return intid | self.acknowledge(c, intid) << 10

    def eoir(self, c: int, value: int, group: int = 1) -> None:
        """End of interrupt: drop the highest active priority; in EOImode 0 also deactivate.

        With no active priority nothing happens, nor in GICv3 when the highest one is not of the
        register's group; both are UNPREDICTABLE. An LPI only drops: it is not active.

        Args:
            c: the CPU that writes.
            value: what it writes: the value that its acknowledge returned. INTIDs from 1020 to
                1023 are ignored.
            group: the register, in GICv3: ICC_EOIR0_EL1 or ICC_EOIR1_EL1.
        """
        intid = value & (0x3FF if self.version == 2 else INTID_MASK)
        if 1020 <= intid <= SPURIOUS:
            return
        cpuif = self.cpuifs[c]
        apr0 = cpuif.apr0
        apr1 = cpuif.apr1
        if apr0 | apr1:
            first = 1 if not apr0 or (apr1 and apr1 & -apr1 < apr0 & -apr0) else 0
            if self.version == 3 and first != group:
                return
            if first:
                cpuif.apr1 = apr1 & (apr1 - 1)
            else:
                cpuif.apr0 = apr0 & (apr0 - 1)
            cpuif.refresh()
        if self.emit is not None:
            self.emit(PriorityDropped(c, intid, cpuif.running))
        if apr0 | apr1 and not cpuif.eoimode:
            self.deactivate(c, intid)

    def dir(self, c: int, value: int) -> None:
        """Deactivate: write GICC_DIR or ICC_DIR_EL1, which is ignored in EOImode 0.

        ``value`` is an INTID, in GICv2 with the requesting CPU of an SGI in bits [12:10] (which is
        not looked at). An SPI may have been acknowledged by another CPU; LPIs and special INTIDs
        are ignored.
        """
        intid = value & (0x3FF if self.version == 2 else INTID_MASK)
        if intid < 1020 and self.cpuifs[c].eoimode:
            self.deactivate(c, intid)

    def deactivate(self, c: int, intid: int, cause: str = "deactivate") -> None:
        """Deactivate ``intid`` for CPU ``c``: by EOIR, DIR, or a guest and a HW List Register.

        ``cause`` is what the fact says of it. With the "erratum" of AmpereOne (AC03_CPU_57,
        AC04_CPU_29; Linux vgic_v3_deactivate) it wedges this CPU if the interrupt is not active but
        the CPU's highest priority pending one.
        """
        if self.erratum and not self.is_active(c, intid) and self._best(c) & INTID_MASK == intid:
            cpuif = self.cpuifs[c]
            cpuif.wedged = True
            cpuif.refresh()
            return
        self.clear_active(c, intid, cause)

    def hppir(self, c: int, group: int = 1) -> int:
        """Return the INTID of the highest priority pending interrupt, or 1023.

        It depends on enables and targets, not on the priority mask or the running priority
        (IHI0048 pseudocode HighestPriorityPendingInterrupt). GICv2 adds the requesting CPU of an
        SGI in bits [12:10].
        """
        best = self._best(c)
        if best == NONE or not self._of_group(best, group):
            return SPURIOUS
        intid = best & INTID_MASK
        if intid < 16 and self.version == 2:
            mask = self.banks[c].sources[intid]
            return intid | (mask & -mask).bit_length() - 1 << 10
        return intid

    def rpr(self, c: int) -> int:
        """Return the running priority: that of the highest active group priority, 0xFF if idle."""
        return self.cpuifs[c].running

    def set_pmr(self, c: int, value: int) -> None:
        """Write the priority mask (GICC_PMR, ICC_PMR_EL1); five of the eight bits are kept."""
        cpuif = self.cpuifs[c]
        cpuif.pmr = value & PRIORITY_MASK
        cpuif.refresh()

    def set_eoimode(self, c: int, mode: int) -> None:
        """Choose whether EOIR also deactivates (0) or only drops the priority (1)."""
        self.cpuifs[c].eoimode = mode

    def bpr(self, c: int, group: int) -> int:
        """Read the binary point register of a group, 2 to 7 (GICC_BPR and GICC_ABPR in GICv2).

        In GICv3 that of group 1 shows, while it is not used (CBPR), the split that group 0 gives it
        (IHI0069 ICC_BPR1_EL1).
        """
        cpuif = self.cpuifs[c]
        if not group:
            return cpuif.bpr0
        return min(cpuif.bpr0 + 1, 7) if cpuif.cbpr and self.version == 3 else cpuif.bpr1

    def set_bpr(self, c: int, group: int, value: int) -> None:
        """Write a binary point register; less than the minimum means the minimum.

        In GICv3 that of group 1 ignores writes while it is not used (IHI0069 ICC_BPR1_EL1).
        """
        cpuif = self.cpuifs[c]
        if not group:
            cpuif.bpr0 = max(value & 7, MIN_BPR0)
        elif not (cpuif.cbpr and self.version == 3):
            cpuif.bpr1 = max(value & 7, MIN_BPR1)
        cpuif.derive()

    def set_cbpr(self, c: int, on: bool) -> None:
        """Let group 1 use the binary point of group 0 (GICC_CTLR.CBPR, ICC_CTLR_EL1.CBPR)."""
        cpuif = self.cpuifs[c]
        cpuif.cbpr = on
        cpuif.derive()

    def set_group_enable(self, c: int, group: int, on: bool) -> None:
        """Enable the signalling of a group (GICC_CTLR, ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1)."""
        cpuif = self.cpuifs[c]
        if group:
            cpuif.enable1 = on
        else:
            cpuif.enable0 = on
        cpuif.refresh()
