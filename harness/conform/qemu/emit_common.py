"""What both versions of the GIC do alike: the distributor, but for where a CPU's bank is."""

from harness.conform.qemu.lines import line, timer
from harness.conform.qemu.mailbox import WRITE8, WRITE32, Record

__all__ = ["ICFGR_ENABLES", "Common", "idle_bank"]

#: First of 16 interrupts -> which of them `icfgr` enables.
ICFGR_ENABLES = {16: 16, 32: 34}


class Common:
    """What both versions do alike: the distributor's layout but for where a CPU's bank is."""

    line = staticmethod(line)
    timer = staticmethod(timer)

    def bank(self, cpu: int, intid: int) -> int:
        """Return the base of the registers that hold an interrupt's state."""
        raise NotImplementedError

    def _bit(self, offset: int, cpu: int, intid: int) -> list[Record]:
        base = self.bank(cpu, intid) + offset + intid // 32 * 4
        return [(WRITE32, cpu, base, 1 << intid % 32)]

    def enable(self, cpu: int, intid: int, on: int) -> list[Record]:
        """Write ISENABLER or ICENABLER."""
        return self._bit(0x100 if on else 0x180, cpu, intid)

    def pending(self, cpu: int, intid: int, on: int) -> list[Record]:
        """Write ISPENDR or ICPENDR."""
        return self._bit(0x200 if on else 0x280, cpu, intid)

    def active(self, cpu: int, intid: int, on: int) -> list[Record]:
        """Write ISACTIVER or ICACTIVER."""
        return self._bit(0x300 if on else 0x380, cpu, intid)

    def priority(self, cpu: int, intid: int, priority: int) -> list[Record]:
        """Write IPRIORITYR."""
        return [(WRITE8, cpu, self.bank(cpu, intid) + 0x400 + intid, priority)]

    def edge(self, cpu: int, intid: int) -> list[Record]:
        """Pulse an input."""
        return line(cpu, intid, 1) + line(cpu, intid, 0)

    def config(self, cpu: int, first: int, mask: int) -> list[Record]:
        """Disable 16 interrupts and make those of ``mask`` edge-triggered, the others level.

        To change the configuration of an enabled interrupt is UNPREDICTABLE (IHI0069 ICFGR).
        """
        base = self.bank(cpu, first)
        value = sum(2 << 2 * bit for bit in range(16) if mask >> bit & 1)
        return [
            (WRITE32, cpu, base + 0x180 + first // 32 * 4, 0xFFFF << first % 32),
            (WRITE32, cpu, base + 0xC00 + first // 16 * 4, value),
        ]

    def icfgr(self, cpu: int, first: int, mask: int) -> list[Record]:
        """Write ICFGR of 16 interrupts that may be enabled, and have the GIC look at them again.

        That is CONSTRAINED UNPREDICTABLE. The enable bit of SPI 34, or of PPI 16, is set with it:
        QEMU's distributor takes a new configuration into account at the next such write.
        """
        base = self.bank(cpu, first)
        value = sum(2 << 2 * bit for bit in range(16) if mask >> bit & 1)
        again = 1 << (ICFGR_ENABLES[first] % 32)
        return [
            (WRITE32, cpu, base + 0xC00 + first // 16 * 4, value),
            (WRITE32, cpu, base + 0x100 + first // 32 * 4, again),
        ]

    def barrier(self, cpu: int) -> list[Record]:
        """Wait for what was written."""
        return [(1, cpu, 0, 0)]


def idle_bank(cpu: int, base: int, word: int, group: int) -> list[Record]:
    """32 interrupts at rest: disabled, not pending, inactive, level-sensitive, priority 0xA0."""
    everything = 0xFFFFFFFF
    records = [
        (WRITE32, cpu, base + offset + 4 * word, everything) for offset in (0x180, 0x280, 0x380)
    ]
    records.append((WRITE32, cpu, base + 0x80 + 4 * word, everything * group))
    records += [(WRITE32, cpu, base + 0xC00 + 8 * word + half, 0) for half in (0, 4)]
    records += [
        (WRITE32, cpu, base + 0x400 + 32 * word + 4 * part, 0xA0A0A0A0) for part in range(8)
    ]
    return records
