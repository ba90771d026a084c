"""GICv3's operations as records: redistributors and system registers."""

from harness.conform.qemu.emit_common import Common, idle_bank
from harness.conform.qemu.layout import GICD, GICR, STUB
from harness.conform.qemu.lines import all_low, guest, system
from harness.conform.qemu.mailbox import EL1_READ, SYS_READ, WRITE32, WRITE64, Record

__all__ = ["Version3"]


class Version3(Common):
    """GICv3: redistributors, system registers; the guest's side from EL1 (IHI0069 chapter 12)."""

    def bank(self, cpu: int, intid: int) -> int:
        return GICD if intid >= 32 else GICR + 0x20000 * cpu + 0x10000

    def target(self, cpu: int, intid: int, target: int) -> list[Record]:
        return [(WRITE64, cpu, GICD + 0x6000 + 8 * intid, target)]

    def sgi(self, cpu: int, target: int, intid: int) -> list[Record]:
        return [system(cpu, "ICC_SGI1R", intid << 24 | 1 << target)]

    def iar(self, cpu: int) -> list[Record]:
        return [(SYS_READ, cpu, STUB["ICC_IAR1"], 0)]

    def eoir(self, cpu: int, value: int) -> list[Record]:
        return [system(cpu, "ICC_EOIR1", value)]

    def dir(self, cpu: int, value: int) -> list[Record]:
        return [system(cpu, "ICC_DIR", value)]

    def pmr(self, cpu: int, value: int) -> list[Record]:
        return [system(cpu, "ICC_PMR", value)]

    def bpr(self, cpu: int, value: int) -> list[Record]:
        return [system(cpu, "ICC_BPR1", value)]

    def eoimode(self, cpu: int, mode: int) -> list[Record]:
        return [system(cpu, "ICC_CTLR", mode << 1)]

    def group_enable(self, cpu: int, on: int) -> list[Record]:
        return [system(cpu, "ICC_IGRPEN1", on)]

    def lr(self, cpu: int, index: int, value: int) -> list[Record]:
        return [system(cpu, f"ICH_LR{index}", value)]

    def hcr(self, cpu: int, value: int) -> list[Record]:
        return [system(cpu, "ICH_HCR", value)]

    def vmcr(self, cpu: int, value: int) -> list[Record]:
        return [system(cpu, "ICH_VMCR", value)]

    def apr(self, cpu: int, group: int, value: int) -> list[Record]:
        return [system(cpu, f"ICH_AP{group}R0", value)]

    def viar(self, cpu: int) -> list[Record]:
        return [(EL1_READ, cpu, STUB["ICC_IAR1"], 0)]

    def viar0(self, cpu: int) -> list[Record]:
        return [(EL1_READ, cpu, STUB["ICC_IAR0"], 0)]

    def veoir(self, cpu: int, value: int) -> list[Record]:
        return [guest(cpu, "ICC_EOIR1", value)]

    def veoir0(self, cpu: int, value: int) -> list[Record]:
        return [guest(cpu, "ICC_EOIR0", value)]

    def vdir(self, cpu: int, value: int) -> list[Record]:
        return [guest(cpu, "ICC_DIR", value)]

    def vpmr(self, cpu: int, value: int) -> list[Record]:
        return [guest(cpu, "ICC_PMR", value)]

    def reset(self, cpus: int) -> list[Record]:
        """Bring the GIC to the state that every run starts from."""
        records = [*all_low(cpus), (WRITE32, 0, GICD, 0x12)]
        for cpu in range(cpus):
            frame = GICR + 0x20000 * cpu + 0x10000
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
                system(cpu, "ICC_BPR1", 0),
                system(cpu, "ICC_PMR", 0xF0),
                system(cpu, "ICH_VMCR", 0),
            ]
        records += idle_bank(0, GICD, 1, group=1)
        records += [(WRITE64, 0, GICD + 0x6000 + 8 * intid, 0) for intid in range(32, 64)]
        return records
