"""Operations on the physical side: lines, the distributor, the CPU interface."""

from harness.conform.qemu.choices import PPIS, PRIORITIES, SGIS, Choices
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.its import lpis
from harness.conform.qemu.lines import LINE_PPIS, LINE_SPIS, MAINTENANCE, SPIS, TIMER

__all__ = ["Physical"]

#: Which of the INTIDs from 16 on may be edge-triggered: not the maintenance interrupt, a level.
_EDGE_PPIS = 0x4C81 & ~(1 << MAINTENANCE - 16)


class Physical(Choices):
    """What a host does with its interrupts, and devices with their lines."""

    def _line(self, cpu: int) -> Operation | None:
        intid = self.rng.choice(LINE_PPIS if self._chance(0.5) else LINE_SPIS)
        if intid == TIMER:
            return self._timer(cpu)
        key = (cpu if intid < 32 else -1, intid)
        level = 1 - self.lines.get(key, 0)
        self.lines[key] = level
        return ("line", cpu, intid, level)

    def _timer(self, cpu: int) -> Operation | None:
        enable, imask, met = self.timer_state.get(cpu, (0, 0, 0))
        if self._chance(0.4):
            enable, imask, met = 1, 0, 1 - met
        else:
            enable, imask, met = (int(self._chance(p)) for p in (0.8, 0.2, 0.6))
        self.timer_state[cpu] = (enable, imask, met)
        self.lines[cpu, TIMER] = int(enable and not imask and met)
        return ("timer", cpu, enable, imask, met)

    def _edge(self, cpu: int) -> Operation | None:
        word = self.view[-1][self.shared["SPI_CONFIGURATION"]]
        edges = [
            intid
            for intid in LINE_SPIS
            if word >> 2 * (intid - 32) + 1 & 1 and not self.lines.get((-1, intid), 0)
        ]
        return ("edge", cpu, self.rng.choice(edges)) if edges else None

    def _pending(self, cpu: int) -> Operation | None:
        intid = self.rng.choice(SPIS if self._chance(0.7) or self._shared_ppis else PPIS)
        return ("pending", cpu, intid, int(self._chance(0.65)))

    def _sgi(self, cpu: int) -> Operation | None:
        return ("sgi", cpu, self.rng.randrange(self.cpus), self.rng.choice(SGIS))

    def _sgi_many(self, cpu: int) -> Operation | None:
        intid = self.rng.choice(SGIS)
        if self._chance(0.5):
            return ("sgi_others", cpu, intid)
        if self.gic == 2 and self._chance(0.4):
            return ("sgi_self", cpu, intid)
        return ("sgi_list", cpu, self.rng.getrandbits(self.cpus), intid)

    def _sgi_pending(self, cpu: int) -> Operation | None:
        # Not 0: see excuse `spendsgir-without-source`.
        sources = self.rng.randrange(1, 1 << self.cpus)
        return ("sgi_pending", cpu, self.rng.choice(SGIS), sources, int(self._chance(0.6)))

    def _lpi(self, cpu: int) -> Operation | None:
        lpi = self.rng.choice(lpis(self.rng.randrange(self.cpus)))
        return ("lpi", cpu, lpi, int(self._chance(0.75)))

    def _lpi_property(self, cpu: int) -> Operation | None:
        lpi = self.rng.choice(lpis(self.rng.randrange(self.cpus)))
        priority = self.rng.choice(PRIORITIES)
        return ("lpi_property", cpu, lpi, priority, int(self._chance(0.7)))

    def _iar(self, cpu: int) -> Operation | None:
        irq = self.view[cpu][self.field["IRQ"]]
        if self.gic == 3 and (irq & 0x40 or self._chance(0.05)):
            return ("iar0", cpu)
        return ("iar", cpu) if irq or self._chance(0.1) else None

    def _eoir(self, cpu: int) -> Operation | None:
        stack = self.running[cpu]
        if not stack:
            return ("eoir", cpu, self._some_intid()) if self._chance(0.04) else None
        group, value = stack.pop()
        if self.gic == 3 and self._chance(0.05):
            return ("eoir" if group == 0 else "eoir0", cpu, value)
        if self._chance(0.03):
            return ("eoir", cpu, self.rng.choice((self._some_intid(), 1023)))
        if self.eoimode[cpu]:
            self.dropped.append((cpu, value))
            del self.dropped[:-40]
        return ("eoir" if group else "eoir0", cpu, value)

    def _dir(self, cpu: int) -> Operation | None:
        if self.dropped and self._chance(0.6):
            owner, value = self.dropped.pop(self.rng.randrange(len(self.dropped)))
            if value & 0x3FF >= 32 and self._chance(0.4):
                owner = self.rng.randrange(self.cpus)
            return ("dir", owner, value)
        if self._chance(0.25):
            intid = self._some_active(cpu)
            return ("dir", cpu, intid if intid is not None else self._some_intid())
        return None

    def _enable(self, cpu: int) -> Operation | None:
        intid = self._some_intid()
        if self.gic == 2 and intid < 16:
            return None
        return ("enable", cpu, intid, int(self._chance(0.75)))

    def _active(self, cpu: int) -> Operation | None:
        intid = self._some_active(cpu) if self._chance(0.5) else None
        if intid is None:
            intid = self._some_intid()
        return ("active", cpu, intid, int(self._chance(0.4)))

    def _priority(self, cpu: int) -> Operation | None:
        return ("priority", cpu, self._some_intid(), self.rng.choice(PRIORITIES))

    def _config(self, cpu: int) -> Operation | None:
        if self._chance(0.7) or self._shared_ppis:
            first, mask = 32, self.rng.getrandbits(8) & 0xFE
            enabled = self.view[-1][self.shared["SPI_ENABLE"]]
        else:
            first, mask = 16, self.rng.getrandbits(16) & _EDGE_PPIS
            enabled = self.view[cpu][self.field["ENABLE"]] >> 16
        self.queue = [
            ("enable", cpu, first + bit, 1)
            for bit in range(16)
            if enabled >> bit & 1 and self._chance(0.95)
        ]
        return ("config", cpu, first, mask)

    def _icfgr(self, cpu: int) -> Operation | None:
        if self._chance(0.7) or (self.gic == 2 and self.cpus > 1):
            return ("icfgr", cpu, 32, self.rng.getrandbits(8) & 0xFE)
        return ("icfgr", cpu, 16, self.rng.getrandbits(16) & _EDGE_PPIS)

    def _groups(self) -> int:
        """Return which of 32 interrupts are of group 1: most."""
        return ~(self.rng.getrandbits(32) & self.rng.getrandbits(32)) & 0xFFFFFFFF

    def _group(self, cpu: int) -> Operation | None:
        # ICC_SGI1R sends SGIs of group 1 only.
        if self._chance(0.5):
            return ("group", cpu, 0, self._groups() | 0xFFFF)
        return ("group", cpu, 32, self._groups())

    def _target(self, cpu: int) -> Operation | None:
        if self.cpus == 1:
            return None
        target = self.rng.randrange(self.cpus)
        return ("target", cpu, self.rng.choice(SPIS), target if self.gic == 3 else 1 << target)

    def _pmr(self, cpu: int) -> Operation | None:
        return ("pmr", cpu, self._mask())

    def _bpr(self, cpu: int) -> Operation | None:
        group = self.rng.randrange(2)
        if self.gic == 3:
            return ("bpr", cpu, group, self.rng.randrange(8))
        if self.view[cpu][self.field["RPR"]] != 0xFF:
            return None
        # QEMU's GICv2 has no least value of a binary point, which is IMPLEMENTATION DEFINED.
        return ("bpr", cpu, group, self.rng.randrange(2 + group, 8))

    def _mode(self, cpu: int) -> Operation | None:
        self.eoimode[cpu] = int(self._chance(0.75))
        return ("eoimode", cpu, self.eoimode[cpu], int(self._chance(0.3)))

    def _group_enable(self, cpu: int) -> Operation | None:
        return ("group_enable", cpu, self.rng.randrange(2), int(self._chance(0.92)))
