"""The model's side of each operation, a method ``_do_`` and its name each."""

from harness.conform.qemu.emit_common import ICFGR_ENABLES
from harness.conform.qemu.its import LPIS_PER_CPU
from model.gic.gic import Gic
from model.gic.lr import decode_v2, decode_v3
from model.gic.registers import FIRST_LPI, MIN_BPR0, MIN_BPR1, TRAP, Vmcr

__all__ = ["Operations"]

#: ESR_EL2 of writes to ICC_DIR_EL1 and ICC_PMR_EL1 that HCR sends to EL2, as the agent has them.
DIR_TRAPPED, PMR_TRAPPED = 0x62323016, 0x6230100C


def _vmcr(value: int) -> Vmcr:
    return Vmcr(
        pmr=value >> 24 & 0xF8,
        bpr0=max(value >> 21 & 7, MIN_BPR0),
        bpr1=max(value >> 18 & 7, MIN_BPR1),
        cbpr=bool(value >> 4 & 1),
        eoim=value >> 9 & 1,
        enable0=bool(value & 1),
        enable1=bool(value >> 1 & 1),
    )


class Operations:
    """What operations do to a GIC of the model.

    ``holders`` says of each SPI for which CPUs QEMU's GICv2 holds it active, as a mask; ``others``
    what IGROUPR1 shows of SPIs that the model does not have, and QEMU does.
    """

    def __init__(self, gic: Gic) -> None:
        self.gic = gic
        self.version = gic.version
        self.group = 0 if gic.version == 2 else 1
        self.holders = dict.fromkeys(gic.spis, 0)
        self.others = sum(self.group << i - 32 for i in range(32, 64) if i not in gic.spis)

    def _do_line(self, cpu: int, intid: int, level: int) -> None:
        self.gic.set_line(cpu, intid, bool(level))

    def _do_timer(self, cpu: int, enable: int, imask: int, met: int) -> None:
        self.gic.set_line(cpu, 27, bool(enable and not imask and met))

    def _do_edge(self, cpu: int, intid: int) -> None:
        self.gic.edge(cpu, intid)

    def _do_pending(self, cpu: int, intid: int, on: int) -> None:
        self.gic.set_pending(cpu, intid, bool(on))

    def _do_active(self, cpu: int, intid: int, on: int) -> None:
        self.gic.set_active(cpu, intid, bool(on))
        if self.version == 2 and intid >= 32:
            self.holders[intid] = 0xFF if on else 0

    def _do_enable(self, cpu: int, intid: int, on: int) -> None:
        self.gic.set_enable(cpu, intid, bool(on))

    def _do_priority(self, cpu: int, intid: int, priority: int) -> None:
        self.gic.set_priority(cpu, intid, priority)

    def _do_config(self, cpu: int, first: int, mask: int) -> None:
        for bit in range(16):
            self.gic.set_enable(cpu, first + bit, False)
            self.gic.set_edge(cpu, first + bit, bool(mask >> bit & 1))

    def _do_icfgr(self, cpu: int, first: int, mask: int) -> None:
        for bit in range(16):
            self.gic.set_edge(cpu, first + bit, bool(mask >> bit & 1))
        self.gic.set_enable(cpu, ICFGR_ENABLES[first], True)

    def _do_group(self, cpu: int, first: int, mask: int) -> None:
        for bit in range(32):
            self.gic.set_group(cpu, first + bit, mask >> bit & 1)
        if first:
            others = [1 << i - 32 for i in range(32, 64) if i not in self.gic.spis]
            self.others = mask & sum(others)

    def _do_lpi(self, _: int, intid: int, on: int) -> None:
        owner = (intid - FIRST_LPI) // LPIS_PER_CPU
        if on:
            self.gic.msi(owner, intid)
        else:
            self.gic.set_pending(owner, intid, False)

    def _do_lpi_property(self, _: int, intid: int, priority: int, on: int) -> None:
        owner = (intid - FIRST_LPI) // LPIS_PER_CPU
        self.gic.set_priority(owner, intid, priority)
        self.gic.set_enable(owner, intid, bool(on))

    def _do_target(self, cpu: int, intid: int, target: int) -> None:
        self.gic.set_targets(cpu, intid, 1 << target if self.version == 3 else target)

    def _do_sgi(self, cpu: int, target: int, intid: int) -> None:
        self.gic.send_sgi(cpu, target, intid)

    def _do_sgi_list(self, cpu: int, targets: int, intid: int) -> None:
        for target in range(self.gic.cpus):
            if targets >> target & 1:
                self.gic.send_sgi(cpu, target, intid)

    def _do_sgi_others(self, cpu: int, intid: int) -> None:
        self._do_sgi_list(cpu, (1 << self.gic.cpus) - 1 & ~(1 << cpu), intid)

    def _do_sgi_self(self, cpu: int, intid: int) -> None:
        self.gic.send_sgi(cpu, cpu, intid)

    def _do_sgi_pending(self, cpu: int, intid: int, sources: int, on: int) -> None:
        for source in range(self.gic.cpus):
            if sources >> source & 1:
                self.gic.set_sgi_pending(cpu, intid, source, bool(on))

    def _do_barrier(self, cpu: int) -> None:
        """Nothing to wait for: the model is sequentially consistent."""

    def _do_nudge(self, cpu: int, pmr: int) -> None:
        """Write the priority mask with the value it has."""
        self.gic.set_pmr(cpu, pmr)

    def _do_iar(self, cpu: int) -> int:
        return self.gic.iar(cpu)

    def _do_iar0(self, cpu: int) -> int:
        return self.gic.iar(cpu, 0)

    def _do_eoir0(self, cpu: int, value: int) -> None:
        self.gic.eoir(cpu, value, 0)

    def _do_eoir(self, cpu: int, value: int) -> None:
        self.gic.eoir(cpu, value)

    def _do_dir(self, cpu: int, value: int) -> None:
        self.gic.dir(cpu, value)

    def _do_pmr(self, cpu: int, value: int) -> None:
        self.gic.set_pmr(cpu, value)

    def _do_bpr(self, cpu: int, group: int, value: int) -> None:
        self.gic.set_bpr(cpu, group, value)

    def _do_eoimode(self, cpu: int, mode: int, cbpr: int = 0) -> None:
        self.gic.set_eoimode(cpu, mode)
        self.gic.set_cbpr(cpu, bool(cbpr))

    def _do_group_enable(self, cpu: int, group: int, on: int) -> None:
        self.gic.set_group_enable(cpu, group, bool(on))

    def _do_lr(self, cpu: int, index: int, value: int) -> None:
        self.gic.write_lr(cpu, index, (decode_v3 if self.version == 3 else decode_v2)(value))

    def _do_hcr(self, cpu: int, value: int) -> None:
        self.gic.write_hcr(cpu, value)

    def _do_vmcr(self, cpu: int, value: int) -> None:
        self.gic.restore_vmcr(cpu, _vmcr(value))

    def _do_apr(self, cpu: int, group: int, value: int) -> None:
        apr = list(self.gic.save_apr(cpu))
        apr[group] = value
        self.gic.restore_apr(cpu, (apr[0], apr[1]))

    def _do_viar(self, cpu: int) -> int:
        return self.gic.viar(cpu)

    def _do_viar0(self, cpu: int) -> int:
        return self.gic.viar(cpu, 0)

    def _do_veoir(self, cpu: int, value: int) -> None:
        self._deactivate(cpu, self.gic.veoir(cpu, value))

    def _do_veoir0(self, cpu: int, value: int) -> None:
        self._deactivate(cpu, self.gic.veoir(cpu, value, 0))

    def _do_vdir(self, cpu: int, value: int) -> int:
        pintid = self.gic.vdir(cpu, value)
        self._deactivate(cpu, pintid)
        return DIR_TRAPPED if pintid == TRAP else 0

    def _do_vbpr(self, cpu: int, group: int, value: int) -> None:
        self.gic.set_vbpr(cpu, group, value)

    def _do_vpmr(self, cpu: int, value: int) -> int:
        return PMR_TRAPPED if self.gic.set_vpmr(cpu, value) == TRAP else 0

    def _deactivate(self, cpu: int, pintid: int) -> None:
        if pintid >= 0:
            self.gic.deactivate(cpu, pintid)
