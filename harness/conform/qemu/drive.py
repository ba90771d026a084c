"""The model's side of an operation, and the model's visible state in the shape of a snapshot."""

import struct
from collections.abc import Callable
from functools import lru_cache

from harness.conform.qemu.choices import View
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.layout import CPU_BYTES, CPU_FIELDS, SHARED_FIELDS
from harness.conform.qemu.lines import MAINTENANCE, SPIS
from harness.conform.qemu.operations import Operations
from model.gic.gic import Gic
from model.gic.lr import encode_v2, encode_v3
from model.gic.registers import Vmcr

__all__ = ["Model", "image", "vmcr_value"]

_PACK_CPU = {
    len(names): struct.Struct(f"<{len(names)}Q{CPU_BYTES - 8 * len(names)}x")
    for names in CPU_FIELDS.values()
}
_PACK_SHARED = struct.Struct(f"<{len(SHARED_FIELDS)}Q")
_LRS = 4
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


def image(view: View) -> bytes:
    """Return a view as the bytes that the agent would have written: 64-bit little-endian words."""
    return b"".join(
        [*(_PACK_CPU[len(words)].pack(*words) for words in view[:-1]), _PACK_SHARED.pack(*view[-1])]
    )


class Model(Operations):
    """A GIC of the model, driven by operations.

    The maintenance interrupt is wired to PPI 25 here, as it is on the `virt` machine.
    """

    def __init__(self, gic: Gic) -> None:
        super().__init__(gic)
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
        return (pending, active, enable, _spread(edge), group | self.others, *targets)
