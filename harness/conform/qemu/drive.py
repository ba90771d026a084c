"""The model's side of an operation, and the model's visible state in the shape of a snapshot."""

import struct
from collections.abc import Callable
from functools import lru_cache

from harness.conform.qemu.choices import View
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.emit_common import ICFGR_ENABLES
from harness.conform.qemu.its import LPIS_PER_CPU
from harness.conform.qemu.layout import CPU_BYTES, CPU_FIELDS, SHARED_FIELDS
from harness.conform.qemu.lines import MAINTENANCE, SPIS
from model.gic.gic import Gic
from model.gic.lr import decode_v2, decode_v3, encode_v2, encode_v3
from model.gic.registers import FIRST_LPI, MIN_BPR0, MIN_BPR1, TRAP, Vmcr

__all__ = ["Model", "image", "vmcr_value"]

_PACK_CPU = {
    len(names): struct.Struct(f"<{len(names)}Q{CPU_BYTES - 8 * len(names)}x")
    for names in CPU_FIELDS.values()
}
_PACK_SHARED = struct.Struct(f"<{len(SHARED_FIELDS)}Q")
_LRS = 4
#: ESR_EL2 of a write to ICC_DIR_EL1 that TDIR sends to EL2, as the agent writes it.
DIR_TRAPPED = 0x62323016
_encode = {2: lru_cache(4096)(encode_v2), 3: lru_cache(4096)(encode_v3)}


@lru_cache(65536)
def _spread(bits: int) -> int:
    """Return a configuration register: bit n of the mask becomes bit 2n+1."""
    return sum(2 << 2 * n for n in range(16) if bits >> n & 1)


@lru_cache(4096)
def vmcr_value(version: int, vmcr: Vmcr) -> int:
    """Return GICH_VMCR (IHI0048 section 5.3.4) or ICH_VMCR_EL2 (IHI0069 section 12.4).

    In GICv2 the guest uses AckCtl = 1 throughout; in GICv3 VFIQEn is RES1 without GICv2 support.
    """
    value = vmcr.pmr << 24 | vmcr.bpr0 << 21 | vmcr.bpr1 << 18 | vmcr.eoim << 9
    value |= int(vmcr.cbpr) << 4 | int(vmcr.enable1) << 1 | int(vmcr.enable0)
    return value | (1 << 3 if version == 3 else 1 << 2)


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


def image(view: View) -> bytes:
    """Return a view as the bytes that the agent would have written: 64-bit little-endian words."""
    return b"".join(
        [*(_PACK_CPU[len(words)].pack(*words) for words in view[:-1]), _PACK_SHARED.pack(*view[-1])]
    )


class Model:
    """A GIC of the model, driven by operations.

    The maintenance interrupt is wired to PPI 25 here, as it is on the `virt` machine.
    """

    def __init__(self, gic: Gic) -> None:
        self.gic = gic
        self.version = gic.version
        #: SPI -> for which CPUs QEMU's GICv2 holds it active, as a mask.
        self.holders = dict.fromkeys(gic.spis, 0)
        self.group = 0 if gic.version == 2 else 1
        #: What IGROUPR1 shows of SPIs that the model does not have, and QEMU does.
        self._others = sum(self.group << i - 32 for i in range(32, 64) if i not in gic.spis)
        self._seen: list[tuple[object, tuple[int, ...]]] = [((), ())] * gic.cpus
        self._table: dict[str, Callable[..., int | None]] = {
            name.removeprefix("_do_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_do_")
        }
        self._words = self._words_v3 if gic.version == 3 else self._words_v2
        self._reset()

    def _reset(self) -> None:
        """Bring the model to the state that `emit`'s reset leaves QEMU in."""
        gic = self.gic
        for cpu in range(gic.cpus):
            for intid in range(32):
                gic.set_enable(cpu, intid, self.version == 2 and intid < 16)
                gic.set_group(cpu, intid, self.group)
            gic.set_group_enable(cpu, 1 - self.group, False)
            gic.set_group_enable(cpu, self.group, True)
            gic.set_eoimode(cpu, 0)
            gic.set_pmr(cpu, 0xF0)
            gic.set_bpr(cpu, 0, 0)
            gic.set_bpr(cpu, 1, 0)
            for index in range(_LRS):
                self._do_lr(cpu, index, 0)
            gic.restore_vmcr(cpu, Vmcr(pmr=0, enable0=False, enable1=False))
        for intid in SPIS:
            gic.set_enable(0, intid, False)
            gic.set_group(0, intid, self.group)
            gic.set_targets(0, intid, 1)

    def apply(self, operation: Operation) -> int | None:
        """Carry out an operation; return the value read, if it is one that reads, else None.

        Raises:
            KeyError: there is no operation of that name.
        """
        name, *arguments = operation
        cpu = int(arguments[0])
        held = [intid for intid, spi in self.gic.spis.items() if spi.active]
        value = self._table[str(name)](*arguments)
        if self.version == 2 and name != "active":
            self._hold(cpu, held)
        self.gic.set_line(cpu, MAINTENANCE, self.gic.maintenance(cpu))
        return value

    def _hold(self, cpu: int, held: list[int]) -> None:
        """Keep count of who holds an SPI active: one state to the model, one per CPU to QEMU."""
        for intid, spi in self.gic.spis.items():
            if spi.active and intid not in held:
                self.holders[intid] |= 1 << cpu
            elif not spi.active and intid in held:
                self.holders[intid] &= ~(1 << cpu)

    # -- the visible state -----------------------------------------------------------------------

    def view(self) -> View:
        """Return everything visible: a tuple of words for each CPU and the shared one last."""
        return [*map(self._words, range(self.gic.cpus)), self._shared()]

    def _lr_words(self, cpu: int) -> tuple[int, ...]:
        lrs = self.gic.vifs[cpu].lrs
        seen, words = self._seen[cpu]
        if seen is not lrs:
            encode = _encode[self.version]
            words = tuple([encode(lr) for lr in lrs])
            self._seen[cpu] = (lrs, words)
        return words

    def _words_v3(self, cpu: int) -> tuple[int, ...]:
        gic = self.gic
        bank = gic.banks[cpu]
        cpuif = gic.cpuifs[cpu]
        vif = gic.vifs[cpu]
        return (
            *self._lr_words(cpu),
            vif.hcr,
            gic.misr(cpu),
            gic.eisr(cpu),
            gic.elrsr(cpu),
            vif.apr0,
            vif.apr1,
            vmcr_value(3, vif.vmcr),
            gic.hppir(cpu),
            gic.hppir(cpu, 0),
            gic.rpr(cpu),
            cpuif.apr1,
            cpuif.apr0,
            cpuif.pmr,
            gic.bpr(cpu, 1),
            0x8C00 | cpuif.eoimode << 1 | int(cpuif.cbpr),
            int(cpuif.enable1),
            bank.latch | bank.line & ~bank.edge,
            bank.active,
            bank.enable,
            _spread(bank.edge >> 16),
            gic.irq_signal(cpu) << 7 | gic.fiq_signal(cpu) << 6,
            gic.vhppir(cpu),
            gic.vhppir(cpu, 0),
            gic.vrpr(cpu),
            gic.virq_signal(cpu) << 7 | gic.vfiq_signal(cpu) << 6,
            gic.bpr(cpu, 0),
            int(cpuif.enable0),
            bank.group1,
            gic.lpis[cpu].pending,
            vif.vmcr.pmr,
            gic.vbpr(cpu, 0),
            gic.vbpr(cpu, 1),
        )

    def _words_v2(self, cpu: int) -> tuple[int, ...]:
        gic = self.gic
        bank = gic.banks[cpu]
        cpuif = gic.cpuifs[cpu]
        vif = gic.vifs[cpu]
        sources = [int.from_bytes(bytes(bank.sources[n : n + 4]), "little") for n in (0, 4, 8, 12)]
        vmcr = vmcr_value(2, vif.vmcr)
        return (
            *self._lr_words(cpu),
            vif.hcr,
            gic.misr(cpu),
            gic.eisr(cpu),
            gic.elrsr(cpu),
            vif.apr0,
            vmcr & 0x3FF,
            vmcr,
            gic.hppir(cpu),
            sources[0],
            gic.rpr(cpu),
            sources[1],
            sources[2],
            cpuif.pmr,
            cpuif.bpr0,
            cpuif.eoimode << 9 | cpuif.cbpr << 4 | 1,
            sources[3],
            bank.latch | bank.line & ~bank.edge,
            bank.active,
            bank.enable,
            _spread(bank.edge >> 16),
            gic.irq_signal(cpu) << 7,
            gic.vhppir(cpu),
            vif.vmcr.pmr,
            gic.vrpr(cpu),
            gic.virq_signal(cpu) << 7,
            gic.bpr(cpu, 1),
            gic.vbpr(cpu, 0),
            gic.vbpr(cpu, 1),
        )

    def _shared(self) -> tuple[int, ...]:
        gic = self.gic
        pending = active = enable = edge = group = 0
        targets = [0] * 8
        single = gic.version == 2 and gic.cpus == 1
        for intid, spi in gic.spis.items():
            bit = 1 << intid - 32
            if spi.latch or (spi.line and not spi.edge):
                pending |= bit
            if spi.active:
                active |= bit
            if spi.enable:
                enable |= bit
            if spi.edge:
                edge |= bit
            if spi.group:
                group |= bit
            if gic.version == 3:
                targets[intid - 32] = spi.targets.bit_length() - 1
            elif not single:
                targets[intid - 32] = spi.targets
        return (pending, active, enable, _spread(edge), group | self._others, *targets)

    # -- operations -------------------------------------------------------------------------------

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
            self._others = mask & sum(others)

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

    def _do_vpmr(self, cpu: int, value: int) -> None:
        self.gic.set_vpmr(cpu, value)

    def _deactivate(self, cpu: int, pintid: int) -> None:
        if pintid >= 0:
            self.gic.deactivate(cpu, pintid)
