"""GICv2's operations as records: everything is memory mapped."""

from harness.conform.qemu.emit_common import Common, idle_bank
from harness.conform.qemu.layout import GICC, GICD, GICH, GICV
from harness.conform.qemu.lines import SPIS, all_low
from harness.conform.qemu.mailbox import READ32, WRITE8, WRITE32, Record

__all__ = ["Version2"]


class Version2(Common):
    """GICv2: everything is memory mapped (IHI0048 chapters 4 and 5)."""

    def bank(self, cpu: int, intid: int) -> int:  # noqa: ARG002
        """Return the base of the registers that hold an interrupt's state."""
        return GICD

    def target(self, cpu: int, intid: int, target: int) -> list[Record]:
        """Route an SPI to a CPU."""
        return [(WRITE8, cpu, GICD + 0x800 + intid, target)]

    def sgi(self, cpu: int, target: int, intid: int) -> list[Record]:
        """Send an SGI to one CPU."""
        return [(WRITE32, cpu, GICD + 0xF00, 1 << target + 16 | intid)]

    def sgi_list(self, cpu: int, targets: int, intid: int) -> list[Record]:
        """Send an SGI to each CPU of a mask."""
        return [(WRITE32, cpu, GICD + 0xF00, targets << 16 | intid)]

    def sgi_others(self, cpu: int, intid: int) -> list[Record]:
        """Send an SGI to all CPUs but this one (GICD_SGIR.TargetListFilter)."""
        return [(WRITE32, cpu, GICD + 0xF00, 1 << 24 | intid)]

    def sgi_self(self, cpu: int, intid: int) -> list[Record]:
        """Send an SGI to this CPU alone (GICD_SGIR.TargetListFilter)."""
        return [(WRITE32, cpu, GICD + 0xF00, 2 << 24 | intid)]

    def sgi_pending(self, cpu: int, intid: int, sources: int, on: int) -> list[Record]:
        """Write GICD_SPENDSGIR or GICD_CPENDSGIR: a mask of requesting CPUs of one SGI."""
        return [(WRITE8, cpu, GICD + (0xF20 if on else 0xF10) + intid, sources)]

    def iar(self, cpu: int) -> list[Record]:
        """Acknowledge."""
        return [(READ32, cpu, GICC + 0xC, 0)]

    def eoir(self, cpu: int, value: int) -> list[Record]:
        """Drop the priority."""
        return [(WRITE32, cpu, GICC + 0x10, value)]

    def dir(self, cpu: int, value: int) -> list[Record]:
        """Deactivate."""
        return [(WRITE32, cpu, GICC + 0x1000, value)]

    def pmr(self, cpu: int, value: int) -> list[Record]:
        """Write the priority mask."""
        return [(WRITE32, cpu, GICC + 4, value)]

    def bpr(self, cpu: int, group: int, value: int) -> list[Record]:
        """Write the binary point of a group."""
        return [(WRITE32, cpu, GICC + (0x1C if group else 8), value)]

    def eoimode(self, cpu: int, mode: int, cbpr: int = 0) -> list[Record]:
        """Write EOImode, and CBPR with it."""
        return [(WRITE32, cpu, GICC, mode << 9 | cbpr << 4 | 1)]

    def lr(self, cpu: int, index: int, value: int) -> list[Record]:
        """Write a List Register."""
        return [(WRITE32, cpu, GICH + 0x100 + 4 * index, value)]

    def hcr(self, cpu: int, value: int) -> list[Record]:
        """Write HCR."""
        return [(WRITE32, cpu, GICH, value)]

    def vmcr(self, cpu: int, value: int) -> list[Record]:
        """Write VMCR."""
        # AckCtl is kept set: one GICV_IAR for both groups.
        return [(WRITE32, cpu, GICH + 8, value | 4)]

    def apr(self, cpu: int, group: int, value: int) -> list[Record]:  # noqa: ARG002
        """Write a guest's active priorities."""
        return [(WRITE32, cpu, GICH + 0xF0, value)]

    def viar(self, cpu: int) -> list[Record]:
        """Acknowledge, as the guest."""
        return [(READ32, cpu, GICV + 0xC, 0)]

    def veoir(self, cpu: int, value: int) -> list[Record]:
        """Drop the priority, as the guest."""
        return [(WRITE32, cpu, GICV + 0x10, value)]

    def vdir(self, cpu: int, value: int) -> list[Record]:
        """Deactivate, as the guest."""
        return [(WRITE32, cpu, GICV + 0x1000, value)]

    def vpmr(self, cpu: int, value: int) -> list[Record]:
        """Write the guest's priority mask."""
        return [(WRITE32, cpu, GICV + 4, value)]

    def vbpr(self, cpu: int, group: int, value: int) -> list[Record]:
        """Write a guest's binary point."""
        return [(WRITE32, cpu, GICV + (0x1C if group else 8), value)]

    def nudge(self, cpu: int, pmr: int) -> list[Record]:
        """Write the priority mask again, which makes QEMU look at what is pending."""
        return self.pmr(cpu, pmr)

    def reset(self, cpus: int) -> list[Record]:
        """Bring the GIC to the state that every run starts from."""
        records = [*all_low(cpus), (WRITE32, 0, GICD, 1)]
        for cpu in range(cpus):
            records += idle_bank(cpu, GICD, 0, group=0)
            records += [(WRITE32, cpu, GICD + 0xF10 + 4 * word, 0xFFFFFFFF) for word in range(4)]
            records += [(WRITE32, cpu, GICH + 0x100 + 4 * index, 0) for index in range(4)]
            records += [
                (WRITE32, cpu, GICH + 0xF0, 0),
                (WRITE32, cpu, GICH, 0),
                (WRITE32, cpu, GICC + 8, 2),
                (WRITE32, cpu, GICC + 0x1C, 3),
            ]
            # QEMU takes the running priority from EOIR only, not from a write to GICC_APRn.
            records += [(WRITE32, cpu, GICC, 1 << 9 | 1)]
            records += [(WRITE32, cpu, GICC + 0x10, 63)] * 32
            records += [
                (WRITE32, cpu, GICH + 8, 2 << 21 | 3 << 18 | 4),
                (WRITE32, cpu, GICC, 1),
                (WRITE32, cpu, GICC + 4, 0xF0),
            ]
        records += idle_bank(0, GICD, 1, group=0)
        records += [(WRITE8, 0, GICD + 0x800 + intid, intid in SPIS) for intid in range(32, 64)]
        return records
