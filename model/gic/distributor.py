"""The distributor and the redistributors: the life of a physical interrupt.

IHI0048 section 3.2.4 and IHI0069 section 4.1.2 give the state machine: inactive, pending, active,
active and pending. Nothing here decides when an effect happens; a call takes effect at once.
"""

from collections.abc import Callable, Sequence

from model.facts import ActiveChanged, Fact, IpiSent, LineChanged, PendingChanged
from model.gic.registers import FIRST_LPI, PRIORITY_MASK
from model.gic.state import Bank, Lpis, Spi

__all__ = ["Distributor"]


class Distributor:
    """Physical interrupts: inputs, configuration, and the pending and active state.

    Wherever an operation takes ``c`` and an INTID, ``c`` is the CPU (0 to ``cpus`` - 1) whose SGI
    (INTID 0 to 15), PPI (16 to 31) or LPI (8192 and up) is meant; for an SPI (32 to 1019) it does
    not matter. The registers of an SPI that is not implemented read as zero and ignore writes; only
    GICv3 has LPIs.

    Args:
        version: 2 or 3.
        cpus: how many CPUs there are, each with its bank of SGIs and PPIs.
        spis: the INTIDs of the SPIs that are implemented.
        emit: takes the facts of what changed; None for a GIC that nobody watches.

    Raises:
        ValueError: there is no such version, GICv2 has not so many CPUs, or an INTID is no SPI's.
    """

    def __init__(
        self, version: int, cpus: int, spis: Sequence[int], emit: Callable[[Fact], object] | None
    ) -> None:
        if version not in (2, 3):
            raise ValueError(f"GIC version {version}: expected 2 or 3")
        if version == 2 and cpus > 8:
            raise ValueError(f"{cpus} CPUs: GICv2 has at most 8")
        for intid in spis:
            if not 32 <= intid <= 1019:
                raise ValueError(f"SPI {intid}: expected an INTID from 32 to 1019")
        self.version = version
        self.cpus = cpus
        self.emit = emit
        self.banks = [Bank(c, version) for c in range(cpus)]
        self.spis = {intid: Spi(intid) for intid in spis}
        self.spi_list = list(self.spis.values())
        self.lpis = [Lpis(c) for c in range(cpus)] if version == 3 else []

    # -- inputs ------------------------------------------------------------------------------

    def set_line(self, c: int, intid: int, level: bool) -> None:
        """Drive the input of a PPI or SPI; a rising input of an edge interrupt is an edge.

        Raises:
            KeyError: this GIC does not implement that SPI.
        """
        if intid < 32:
            bank = self.banks[c]
            bit = 1 << intid
            if bool(bank.line & bit) == level:
                return
            bank.line ^= bit
            if self.emit is not None:
                self.emit(LineChanged(c, intid, level))
            if level and bank.edge & bit:
                self._latch(c, intid, True)
            else:
                bank.refresh()
            return
        spi = self.spis[intid]
        if spi.line == level:
            return
        spi.line = level
        if self.emit is not None:
            self.emit(LineChanged(-1, intid, level))
        if level and spi.edge:
            self._latch(c, intid, True)
        else:
            spi.derive()

    def edge(self, c: int, intid: int) -> None:
        """Deliver an edge: it is latched, or coalesces with one that still is.

        On an interrupt configured as level it is a pulse too short to be seen.
        """
        if self.is_edge(c, intid):
            self._latch(c, intid, True)

    def msi(self, c: int, lpi: int) -> None:
        """Deliver a message: an LPI becomes pending at the redistributor of CPU ``c``.

        The ITS, which turns DeviceID and EventID into LPI and CPU, is not modelled.
        """
        self._latch(c, lpi, True)

    def send_sgi(self, source: int, target: int, intid: int) -> None:
        """Send SGI ``intid`` from CPU ``source`` to CPU ``target`` (GICD_SGIR, ICC_SGI1R_EL1).

        In GICv2 each source is a pending state of its own (IHI0048 GICD_SPENDSGIRn).
        """
        if self.emit is not None:
            self.emit(IpiSent(source, target, intid))
        self.receive_sgi(source, target, intid)

    def receive_sgi(self, source: int, target: int, intid: int) -> None:
        """Make an SGI that was sent pending at its target."""
        if self.version == 2:
            self.set_sgi_pending(target, intid, source, True)
        else:
            self._latch(target, intid, True)

    def set_sgi_pending(self, c: int, intid: int, source: int, on: bool) -> None:
        """Write GICD_SPENDSGIRn or GICD_CPENDSGIRn: one source of one SGI (GICv2 only)."""
        bank = self.banks[c]
        sources = bank.sources
        mask = sources[intid]
        mask = mask | 1 << source if on else mask & ~(1 << source)
        if mask == sources[intid]:
            return
        bank.sources = (*sources[:intid], mask, *sources[intid + 1 :])
        self._latch(c, intid, bool(mask))

    def _latch(self, c: int, intid: int, on: bool) -> None:
        """Set or clear the pending latch of an interrupt."""
        if intid < 32:
            bank = self.banks[c]
            bit = 1 << intid
            if bool(bank.latch & bit) != on:
                bank.latch ^= bit
                if self.emit is not None:
                    self.emit(PendingChanged(c, intid, on))
            bank.refresh()
        elif intid >= FIRST_LPI:
            lpis = self.lpis[c]
            bit = 1 << intid - FIRST_LPI
            if bool(lpis.pending & bit) != on:
                lpis.pending ^= bit
                lpis.derive()
                if self.emit is not None:
                    self.emit(PendingChanged(c, intid, on))
        elif intid in self.spis:
            spi = self.spis[intid]
            if spi.latch != on:
                spi.latch = on
                if self.emit is not None:
                    self.emit(PendingChanged(-1, intid, on))
            spi.derive()

    # -- configuration -----------------------------------------------------------------------

    def set_enable(self, c: int, intid: int, on: bool) -> None:
        """Write ISENABLER or ICENABLER: only forwarding stops, the state goes on evolving."""
        if intid < 32:
            bank = self.banks[c]
            bank.enable = bank.enable | 1 << intid if on else bank.enable & ~(1 << intid)
            bank.refresh()
        elif intid >= FIRST_LPI:
            lpis = self.lpis[c]
            bit = 1 << intid - FIRST_LPI
            lpis.disabled = lpis.disabled & ~bit if on else lpis.disabled | bit
            lpis.derive()
        elif intid in self.spis:
            spi = self.spis[intid]
            spi.enable = on
            spi.derive()

    def set_pending(self, c: int, intid: int, on: bool) -> None:
        """Write ISPENDR or ICPENDR (for an LPI: INT or CLEAR).

        They act on the latch: a level interrupt whose line is high stays pending. The bits of a
        GICv2 SGI ignore writes (IHI0048 section 4.3.7).
        """
        if intid >= 16 or self.version == 3:
            self._latch(c, intid, on)

    def set_active(self, c: int, intid: int, on: bool) -> None:
        """Write ISACTIVER or ICACTIVER. LPIs have no active state."""
        if intid < 32:
            bank = self.banks[c]
            bit = 1 << intid
            if bool(bank.active & bit) != on:
                bank.active ^= bit
                bank.refresh()
                if self.emit is not None:
                    self.emit(ActiveChanged(c, intid, on, "write"))
        elif intid in self.spis:
            spi = self.spis[intid]
            if spi.active != on:
                spi.active = on
                spi.derive()
                if self.emit is not None:
                    self.emit(ActiveChanged(-1, intid, on, "write"))

    def set_priority(self, c: int, intid: int, priority: int) -> None:
        """Write IPRIORITYR (for an LPI: its entry in the property table).

        ``priority`` is 0 to 0xFF, lower is higher; the upper five bits are implemented.
        """
        priority &= PRIORITY_MASK
        if intid < 32:
            bank = self.banks[c]
            values = bank.priority
            bank.priority = (*values[:intid], priority, *values[intid + 1 :])
            bank.derive()
        elif intid >= FIRST_LPI:
            lpis = self.lpis[c]
            own = dict(lpis.priorities)
            own[intid] = priority
            lpis.priorities = tuple(sorted(own.items()))
            lpis.derive()
        elif intid in self.spis:
            spi = self.spis[intid]
            spi.priority = priority
            spi.derive()

    def set_edge(self, c: int, intid: int, on: bool) -> None:
        """Write ICFGR: edge-triggered or level-sensitive. SGIs and LPIs are always edge."""
        if 16 <= intid < 32:
            bank = self.banks[c]
            bank.edge = bank.edge | 1 << intid if on else bank.edge & ~(1 << intid)
            bank.refresh()
        elif intid in self.spis:
            spi = self.spis[intid]
            spi.edge = on
            spi.derive()

    def set_group(self, c: int, intid: int, group: int) -> None:
        """Write IGROUPR: group 0 or 1. LPIs are always group 1."""
        if intid < 32:
            bank = self.banks[c]
            bank.group1 = bank.group1 | 1 << intid if group else bank.group1 & ~(1 << intid)
            bank.derive()
        elif intid in self.spis:
            spi = self.spis[intid]
            spi.group = group
            spi.derive()

    def set_targets(self, c: int, intid: int, targets: int) -> None:  # noqa: ARG002
        """Write ITARGETSR or IROUTER of an SPI: a mask of CPUs; ``c`` does not matter.

        A pending interrupt is offered to the new target; an active one after its deactivation.

        Raises:
            ValueError: GICv3 routes to one CPU or (GICD_IROUTER.IRM) to any of all, to no others.
        """
        everyone = (1 << self.cpus) - 1
        targets &= everyone
        if self.version == 3 and targets != everyone and targets.bit_count() != 1:
            raise ValueError(f"targets {targets:#x}: IROUTER names one CPU, or all of them")
        if intid in self.spis:
            self.spis[intid].targets = targets

    # -- state -------------------------------------------------------------------------------

    def is_enabled(self, c: int, intid: int) -> bool:
        """Read ISENABLER: tell whether the interrupt is forwarded when it is pending."""
        if intid < 32:
            return bool(self.banks[c].enable >> intid & 1)
        if intid >= FIRST_LPI:
            return not self.lpis[c].disabled >> intid - FIRST_LPI & 1
        spi = self.spis.get(intid)
        return spi is not None and spi.enable

    def is_pending(self, c: int, intid: int) -> bool:
        """Read ISPENDR: the latch, or for a level interrupt also its line."""
        if intid < 32:
            bank = self.banks[c]
            return bool((bank.latch | bank.line & ~bank.edge) >> intid & 1)
        if intid >= FIRST_LPI:
            return bool(self.lpis[c].pending >> intid - FIRST_LPI & 1)
        spi = self.spis.get(intid)
        return spi is not None and (spi.latch or (spi.line and not spi.edge))

    def is_active(self, c: int, intid: int) -> bool:
        """Read ISACTIVER. An SPI is active for all CPUs at once."""
        if intid < 32:
            return bool(self.banks[c].active >> intid & 1)
        spi = self.spis.get(intid)
        return spi is not None and spi.active

    def is_edge(self, c: int, intid: int) -> bool:
        """Read ICFGR: tell whether the interrupt is edge-triggered. LPIs are."""
        if intid < 32:
            return bool(self.banks[c].edge >> intid & 1)
        if intid >= FIRST_LPI:
            return True
        spi = self.spis.get(intid)
        return spi is not None and spi.edge

    def line(self, c: int, intid: int) -> bool:
        """Return the level of a PPI's or SPI's input, as the distributor sees it."""
        if intid < 32:
            return bool(self.banks[c].line >> intid & 1)
        spi = self.spis.get(intid)
        return spi is not None and spi.line

    def implements(self, intid: int) -> bool:
        """Tell whether an INTID below the LPIs names an interrupt of this GIC."""
        return intid < 32 or intid in self.spis

    # -- acknowledge and deactivate ----------------------------------------------------------

    def acknowledge(self, c: int, intid: int) -> int:
        """Make the pending interrupt ``intid`` active.

        The acknowledge uses up the latch. A level interrupt whose line is still high is active
        and pending at once; an LPI becomes inactive (IHI0069 section 5.1).

        Returns:
            The requesting CPU of a GICv2 SGI, of several the lowest; else 0.

        Raises:
            KeyError: this GIC does not implement that SPI.
        """
        emit = self.emit
        source = 0
        if intid < 32:
            bank = self.banks[c]
            bit = 1 << intid
            latch = bank.latch
            left = latch & ~bit
            if intid < 16 and self.version == 2:
                sources = bank.sources
                mask = sources[intid]
                source = (mask & -mask).bit_length() - 1
                mask &= mask - 1
                bank.sources = (*sources[:intid], mask, *sources[intid + 1 :])
                if mask:
                    left = latch
            bank.latch = left
            bank.active |= bit
            bank.refresh()
            if emit is not None:
                if left != latch:
                    emit(PendingChanged(c, intid, False))
                emit(ActiveChanged(c, intid, True, "ack"))
        elif intid >= FIRST_LPI:
            self._latch(c, intid, False)
        else:
            spi = self.spis[intid]
            latched = spi.latch
            spi.latch = False
            spi.active = True
            spi.derive()
            if emit is not None:
                if latched:
                    emit(PendingChanged(-1, intid, False))
                emit(ActiveChanged(-1, intid, True, "ack"))
        return source

    def clear_active(self, c: int, intid: int, cause: str) -> None:
        """Deactivate an interrupt: active to inactive, active and pending to pending.

        What is not active stays as it is (the architecture leaves that UNPREDICTABLE). ``cause``
        is what the fact says of it: "deactivate", or what a caller names.
        """
        if intid < 32:
            bank = self.banks[c]
            bit = 1 << intid
            if bank.active & bit:
                bank.active ^= bit
                bank.refresh()
                if self.emit is not None:
                    self.emit(ActiveChanged(c, intid, False, cause))
        elif intid in self.spis:
            spi = self.spis[intid]
            if spi.active:
                spi.active = False
                spi.derive()
                if self.emit is not None:
                    self.emit(ActiveChanged(-1, intid, False, cause))
