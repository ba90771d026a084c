"""GICv3's operations as records: redistributors and system registers."""

from harness.conform.qemu import its
from harness.conform.qemu.emit_common import Common, idle_bank
from harness.conform.qemu.layout import GICD, GICR, STUB
from harness.conform.qemu.lines import all_low, guest, system
from harness.conform.qemu.mailbox import EL1_READ, SYS_READ, WRITE32, WRITE64, Record

__all__ = ["Version3"]


class Version3(Common):
    """GICv3: redistributors, system registers; the guest's side from EL1 (IHI0069 chapter 12)."""

    def bank(self, cpu: int, intid: int) -> int:
        """Return the base of the registers that hold an interrupt's state."""
        return GICD if intid >= 32 else GICR + 0x20000 * cpu + 0x10000

    def target(self, cpu: int, intid: int, target: int) -> list[Record]:
        """Route an SPI to a CPU."""
        return [(WRITE64, cpu, GICD + 0x6000 + 8 * intid, target)]

    def sgi(self, cpu: int, target: int, intid: int) -> list[Record]:
        """Send an SGI to one CPU."""
        return [system(cpu, "ICC_SGI1R", intid << 24 | 1 << target)]

    def sgi_list(self, cpu: int, targets: int, intid: int) -> list[Record]:
        """Send an SGI to each CPU of a mask."""
        return [system(cpu, "ICC_SGI1R", intid << 24 | targets)]

    def sgi_others(self, cpu: int, intid: int) -> list[Record]:
        """Send an SGI to all CPUs but this one (ICC_SGI1R_EL1.IRM)."""
        return [system(cpu, "ICC_SGI1R", intid << 24 | 1 << 40)]

    def group(self, cpu: int, first: int, mask: int) -> list[Record]:
        """Write IGROUPR: of the 32 interrupts from ``first`` on, those of the mask are group 1."""
        return [(WRITE32, cpu, self.bank(cpu, first) + 0x80 + first // 8, mask)]

    def lpi(self, cpu: int, intid: int, on: int) -> list[Record]:
        """Make an LPI pending by a message, or clear it by a command."""
        return its.message(cpu, intid) if on else its.clear(cpu, intid)

    def lpi_property(self, cpu: int, intid: int, priority: int, on: int) -> list[Record]:
        """Write an LPI's priority and enable, and have the redistributor read them."""
        return its.configure(cpu, intid, priority | on)

    def iar(self, cpu: int) -> list[Record]:
        """Acknowledge."""
        return [(SYS_READ, cpu, STUB["ICC_IAR1"], 0)]

    def iar0(self, cpu: int) -> list[Record]:
        """Acknowledge in group 0."""
        return [(SYS_READ, cpu, STUB["ICC_IAR0"], 0)]

    def eoir(self, cpu: int, value: int) -> list[Record]:
        """Drop the priority."""
        return [system(cpu, "ICC_EOIR1", value)]

    def eoir0(self, cpu: int, value: int) -> list[Record]:
        """Drop the priority in group 0."""
        return [system(cpu, "ICC_EOIR0", value)]

    def dir(self, cpu: int, value: int) -> list[Record]:
        """Deactivate."""
        return [system(cpu, "ICC_DIR", value)]

    def pmr(self, cpu: int, value: int) -> list[Record]:
        """Write the priority mask."""
        return [system(cpu, "ICC_PMR", value)]

    def bpr(self, cpu: int, group: int, value: int) -> list[Record]:
        """Write the binary point of a group."""
        return [system(cpu, f"ICC_BPR{group}", value)]

    def eoimode(self, cpu: int, mode: int, cbpr: int = 0) -> list[Record]:
        """Write EOImode, and CBPR with it."""
        return [system(cpu, "ICC_CTLR", mode << 1 | cbpr)]

    def group_enable(self, cpu: int, group: int, on: int) -> list[Record]:
        """Enable a group at the CPU interface."""
        return [system(cpu, f"ICC_IGRPEN{group}", on)]

    def lr(self, cpu: int, index: int, value: int) -> list[Record]:
        """Write a List Register."""
        return [system(cpu, f"ICH_LR{index}", value)]

    def hcr(self, cpu: int, value: int) -> list[Record]:
        """Write HCR."""
        return [system(cpu, "ICH_HCR", value)]

    def vmcr(self, cpu: int, value: int) -> list[Record]:
        """Write VMCR."""
        return [system(cpu, "ICH_VMCR", value)]

    def apr(self, cpu: int, group: int, value: int) -> list[Record]:
        """Write a guest's active priorities."""
        return [system(cpu, f"ICH_AP{group}R0", value)]

    def viar(self, cpu: int) -> list[Record]:
        """Acknowledge, as the guest."""
        return [(EL1_READ, cpu, STUB["ICC_IAR1"], 0)]

    def viar0(self, cpu: int) -> list[Record]:
        """Acknowledge in group 0, as the guest."""
        return [(EL1_READ, cpu, STUB["ICC_IAR0"], 0)]

    def veoir(self, cpu: int, value: int) -> list[Record]:
        """Drop the priority, as the guest."""
        return [guest(cpu, "ICC_EOIR1", value)]

    def veoir0(self, cpu: int, value: int) -> list[Record]:
        """Drop the priority in group 0, as the guest."""
        return [guest(cpu, "ICC_EOIR0", value)]

    def vdir(self, cpu: int, value: int) -> list[Record]:
        """Deactivate, as the guest."""
        return [guest(cpu, "ICC_DIR", value)]

    def vpmr(self, cpu: int, value: int) -> list[Record]:
        """Write the guest's priority mask."""
        return [guest(cpu, "ICC_PMR", value)]

    def vbpr(self, cpu: int, group: int, value: int) -> list[Record]:
        """Write a guest's binary point."""
        return [guest(cpu, f"ICC_BPR{group}", value)]

    def reset(self, cpus: int) -> list[Record]:
        """Bring the GIC to the state that every run starts from."""
        records = [*all_low(cpus), (WRITE32, 0, GICD, 0x13)]
        for cpu in range(cpus):
            frame = GICR + 0x20000 * cpu + 0x10000
            records += its.reset(cpu)
            records += idle_bank(cpu, frame, 0, group=1)
            records += [system(cpu, f"ICH_LR{index}", 0) for index in range(4)]
            for register in (
                "ICH_AP0R0",
                "ICH_AP1R0",
                "ICH_HCR",
                "ICC_AP0R0",
                "ICC_AP1R0",
                "ICC_CTLR",
                "ICC_IGRPEN0",
            ):
                records.append(system(cpu, register, 0))
            records += [
                system(cpu, "ICC_IGRPEN1", 1),
                system(cpu, "ICC_BPR0", 0),
                system(cpu, "ICC_BPR1", 0),
                system(cpu, "ICC_PMR", 0xF0),
                system(cpu, "ICH_VMCR", 0),
            ]
        records += idle_bank(0, GICD, 1, group=1)
        records += [(WRITE64, 0, GICD + 0x6000 + 8 * intid, 0) for intid in range(32, 64)]
        return records
