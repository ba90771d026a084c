"""Operations as records of the agent: which register of which interface each one is.

An operation is a tuple ``(name, cpu, *arguments)`` of a string and integers, so that a list of
them can be printed, replayed and shrunk. This module knows the hardware side of each; `drive`
knows the model's side.

Input lines are driven from inside the machine, by devices whose level software can set: the PMU
(PPI 23), the timers (PPIs 26, 27 and 30), the PL011 (SPI 33), four `edu` devices (SPIs 35 to 38)
and the PL061 (SPI 39). Timers are driven by ENABLE, IMASK and a compare value that is always or
never reached, so the passing of time means nothing.
"""

from collections.abc import Callable

from harness.conform.qemu.layout import GICC, GICD, GICH, GICR, GICV, STUB
from harness.conform.qemu.mailbox import (
    EL1_READ,
    EL1_WRITE,
    READ32,
    SYS_READ,
    SYS_WRITE,
    WRITE8,
    WRITE32,
    WRITE64,
    Record,
)

__all__ = [
    "LINE_PPIS",
    "LINE_SPIS",
    "MAINTENANCE",
    "READS",
    "SPIS",
    "TIMER",
    "Operation",
    "emitter",
    "machine_setup",
]

Operation = tuple[str | int, ...]
Emit = Callable[..., list[Record]]

TIMER = 27
MAINTENANCE = 25
LINE_PPIS = (23, 26, TIMER, 30)
LINE_SPIS = (33, 35, 36, 37, 38, 39)
SPIS = (33, 34, 35, 36, 37, 38, 39)

#: Operations whose one reading record carries a value to be compared.
READS = frozenset({"iar", "viar", "viar0"})

_PL011 = 0x09000000
_PL061 = 0x09030000
_ECAM = 0x4010000000
_EDU_BAR = {35: 0x10300000, 36: 0x10000000, 37: 0x10100000, 38: 0x10200000}
_EDU_SLOT = {35: 4, 36: 1, 37: 2, 38: 3}
_TIMERS = {26: "CNTHP", 27: "CNTV", 30: "CNTP"}
_TOP = 1 << 31
_NEVER = (1 << 64) - 1


def _system(cpu: int, register: str, value: int) -> Record:
    return (SYS_WRITE, cpu, STUB[register], value)


def _guest(cpu: int, register: str, value: int) -> Record:
    return (EL1_WRITE, cpu, STUB[register], value)


def machine_setup(cpus: int) -> list[Record]:
    """Return the records that prepare the devices that drive input lines, for ``cpus`` CPUs.

    Afterwards every line is low, and one write away from high.
    """
    records: list[Record] = [
        (WRITE32, 0, _PL011, 0x78),
        (WRITE32, 0, _PL011 + 0x38, 0),
        (WRITE32, 0, _PL061 + 0x404, 0xFF),
        (WRITE32, 0, _PL061 + 0x40C, 0),
        (WRITE32, 0, _PL061 + 0x410, 0),
    ]
    for intid, slot in _EDU_SLOT.items():
        config = _ECAM + (slot << 15)
        records += [
            (WRITE32, 0, config + 0x10, _EDU_BAR[intid]),
            (WRITE32, 0, config + 4, 2),
            (WRITE32, 0, _EDU_BAR[intid] + 0x64, 1),
        ]
    for cpu in range(cpus):
        for timer in _TIMERS.values():
            records += [_system(cpu, f"{timer}_CTL", 0), _system(cpu, f"{timer}_CVAL", 0)]
        records += [
            _system(cpu, "PMINTENCLR", _TOP),
            _system(cpu, "PMCR", 1),
            _system(cpu, "PMOVSSET", _TOP),
        ]
    return records


def _line(cpu: int, intid: int, level: int) -> list[Record]:
    if intid in _TIMERS:
        timer = _TIMERS[intid]
        return [_system(cpu, f"{timer}_CVAL", 0), _system(cpu, f"{timer}_CTL", level)]
    if intid == 23:
        return [_system(cpu, "PMINTENSET" if level else "PMINTENCLR", _TOP)]
    if intid == 33:
        return [(WRITE32, cpu, _PL011 + 0x38, 0x20 if level else 0)]
    if intid == 39:
        return [(WRITE32, cpu, _PL061 + 0x410, 0xFF if level else 0)]
    return [(WRITE32, cpu, _EDU_BAR[intid] + (0x60 if level else 0x64), 1)]


def _all_low(cpus: int) -> list[Record]:
    """Every input line low."""
    records = [record for intid in LINE_SPIS for record in _line(0, intid, 0)]
    for cpu in range(cpus):
        records += [record for intid in LINE_PPIS for record in _line(cpu, intid, 0)]
    return records


def _timer(cpu: int, enable: int, imask: int, met: int) -> list[Record]:
    """Set the virtual timer, in the order that never raises its line in between."""
    control = _system(cpu, "CNTV_CTL", imask << 1 | enable)
    compare = _system(cpu, "CNTV_CVAL", 0 if met else _NEVER)
    return [compare, control] if enable and not imask else [control, compare]


class _Common:
    """What both versions do alike: the distributor's layout but for where a CPU's bank is."""

    line = staticmethod(_line)
    timer = staticmethod(_timer)

    def bank(self, cpu: int, intid: int) -> int:
        """Return the base of the registers that hold an interrupt's state."""
        raise NotImplementedError

    def _bit(self, offset: int, cpu: int, intid: int) -> list[Record]:
        base = self.bank(cpu, intid) + offset + intid // 32 * 4
        return [(WRITE32, cpu, base, 1 << intid % 32)]

    def enable(self, cpu: int, intid: int, on: int) -> list[Record]:
        return self._bit(0x100 if on else 0x180, cpu, intid)

    def pending(self, cpu: int, intid: int, on: int) -> list[Record]:
        return self._bit(0x200 if on else 0x280, cpu, intid)

    def active(self, cpu: int, intid: int, on: int) -> list[Record]:
        return self._bit(0x300 if on else 0x380, cpu, intid)

    def priority(self, cpu: int, intid: int, priority: int) -> list[Record]:
        return [(WRITE8, cpu, self.bank(cpu, intid) + 0x400 + intid, priority)]

    def edge(self, cpu: int, intid: int) -> list[Record]:
        return _line(cpu, intid, 1) + _line(cpu, intid, 0)

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

    def barrier(self, cpu: int) -> list[Record]:
        return [(1, cpu, 0, 0)]


class _Version3(_Common):
    """GICv3: redistributors, system registers; the guest's side from EL1 (IHI0069 chapter 12)."""

    def bank(self, cpu: int, intid: int) -> int:
        return GICD if intid >= 32 else GICR + 0x20000 * cpu + 0x10000

    def target(self, cpu: int, intid: int, target: int) -> list[Record]:
        return [(WRITE64, cpu, GICD + 0x6000 + 8 * intid, target)]

    def sgi(self, cpu: int, target: int, intid: int) -> list[Record]:
        return [_system(cpu, "ICC_SGI1R", intid << 24 | 1 << target)]

    def iar(self, cpu: int) -> list[Record]:
        return [(SYS_READ, cpu, STUB["ICC_IAR1"], 0)]

    def eoir(self, cpu: int, value: int) -> list[Record]:
        return [_system(cpu, "ICC_EOIR1", value)]

    def dir(self, cpu: int, value: int) -> list[Record]:
        return [_system(cpu, "ICC_DIR", value)]

    def pmr(self, cpu: int, value: int) -> list[Record]:
        return [_system(cpu, "ICC_PMR", value)]

    def bpr(self, cpu: int, value: int) -> list[Record]:
        return [_system(cpu, "ICC_BPR1", value)]

    def eoimode(self, cpu: int, mode: int) -> list[Record]:
        return [_system(cpu, "ICC_CTLR", mode << 1)]

    def group_enable(self, cpu: int, on: int) -> list[Record]:
        return [_system(cpu, "ICC_IGRPEN1", on)]

    def lr(self, cpu: int, index: int, value: int) -> list[Record]:
        return [_system(cpu, f"ICH_LR{index}", value)]

    def hcr(self, cpu: int, value: int) -> list[Record]:
        return [_system(cpu, "ICH_HCR", value)]

    def vmcr(self, cpu: int, value: int) -> list[Record]:
        return [_system(cpu, "ICH_VMCR", value)]

    def apr(self, cpu: int, group: int, value: int) -> list[Record]:
        return [_system(cpu, f"ICH_AP{group}R0", value)]

    def viar(self, cpu: int) -> list[Record]:
        return [(EL1_READ, cpu, STUB["ICC_IAR1"], 0)]

    def viar0(self, cpu: int) -> list[Record]:
        return [(EL1_READ, cpu, STUB["ICC_IAR0"], 0)]

    def veoir(self, cpu: int, value: int) -> list[Record]:
        return [_guest(cpu, "ICC_EOIR1", value)]

    def veoir0(self, cpu: int, value: int) -> list[Record]:
        return [_guest(cpu, "ICC_EOIR0", value)]

    def vdir(self, cpu: int, value: int) -> list[Record]:
        return [_guest(cpu, "ICC_DIR", value)]

    def vpmr(self, cpu: int, value: int) -> list[Record]:
        return [_guest(cpu, "ICC_PMR", value)]

    def reset(self, cpus: int) -> list[Record]:
        """Bring the GIC to the state that every run starts from."""
        records = [*_all_low(cpus), (WRITE32, 0, GICD, 0x12)]
        for cpu in range(cpus):
            frame = GICR + 0x20000 * cpu + 0x10000
            records += _idle_bank(cpu, frame, 0, group=1)
            records += [_system(cpu, f"ICH_LR{index}", 0) for index in range(4)]
            for register in (
                "ICH_AP0R0",
                "ICH_AP1R0",
                "ICH_HCR",
                "ICC_AP0R0",
                "ICC_AP1R0",
                "ICC_CTLR",
                "ICC_IGRPEN0",
            ):
                records.append(_system(cpu, register, 0))
            records += [
                _system(cpu, "ICC_IGRPEN1", 1),
                _system(cpu, "ICC_BPR1", 0),
                _system(cpu, "ICC_PMR", 0xF0),
                _system(cpu, "ICH_VMCR", 0),
            ]
        records += _idle_bank(0, GICD, 1, group=1)
        records += [(WRITE64, 0, GICD + 0x6000 + 8 * intid, 0) for intid in range(32, 64)]
        return records


class _Version2(_Common):
    """GICv2: everything is memory mapped (IHI0048 chapters 4 and 5)."""

    def bank(self, cpu: int, intid: int) -> int:  # noqa: ARG002
        return GICD

    def target(self, cpu: int, intid: int, target: int) -> list[Record]:
        return [(WRITE8, cpu, GICD + 0x800 + intid, target)]

    def sgi(self, cpu: int, target: int, intid: int) -> list[Record]:
        return [(WRITE32, cpu, GICD + 0xF00, 1 << target + 16 | intid)]

    def iar(self, cpu: int) -> list[Record]:
        return [(READ32, cpu, GICC + 0xC, 0)]

    def eoir(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICC + 0x10, value)]

    def dir(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICC + 0x1000, value)]

    def pmr(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICC + 4, value)]

    def bpr(self, cpu: int, value: int) -> list[Record]:
        # QEMU implements eight bits of priority here, the model five: the same from 2 on.
        return [(WRITE32, cpu, GICC + 8, max(value, 2))]

    def eoimode(self, cpu: int, mode: int) -> list[Record]:
        return [(WRITE32, cpu, GICC, mode << 9 | 1)]

    def lr(self, cpu: int, index: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICH + 0x100 + 4 * index, value)]

    def hcr(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICH, value)]

    def vmcr(self, cpu: int, value: int) -> list[Record]:
        # AckCtl is kept set: one GICV_IAR for both groups.
        return [(WRITE32, cpu, GICH + 8, value | 4)]

    def apr(self, cpu: int, group: int, value: int) -> list[Record]:  # noqa: ARG002
        return [(WRITE32, cpu, GICH + 0xF0, value)]

    def viar(self, cpu: int) -> list[Record]:
        return [(READ32, cpu, GICV + 0xC, 0)]

    def veoir(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICV + 0x10, value)]

    def vdir(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICV + 0x1000, value)]

    def vpmr(self, cpu: int, value: int) -> list[Record]:
        return [(WRITE32, cpu, GICV + 4, value)]

    def nudge(self, cpu: int, pmr: int) -> list[Record]:
        """Write the priority mask again, which makes QEMU look at what is pending."""
        return self.pmr(cpu, pmr)

    def reset(self, cpus: int) -> list[Record]:
        """Bring the GIC to the state that every run starts from."""
        records = [*_all_low(cpus), (WRITE32, 0, GICD, 1)]
        for cpu in range(cpus):
            records += _idle_bank(cpu, GICD, 0, group=0)
            records += [(WRITE32, cpu, GICD + 0xF10 + 4 * word, 0xFFFFFFFF) for word in range(4)]
            records += [(WRITE32, cpu, GICH + 0x100 + 4 * index, 0) for index in range(4)]
            records += [
                (WRITE32, cpu, GICH + 0xF0, 0),
                (WRITE32, cpu, GICH, 0),
                (WRITE32, cpu, GICC + 8, 2),
            ]
            # QEMU takes the running priority from EOIR only, not from a write to GICC_APRn.
            records += [(WRITE32, cpu, GICC, 1 << 9 | 1)]
            records += [(WRITE32, cpu, GICC + 0x10, 63)] * 32
            records += [
                (WRITE32, cpu, GICH + 8, 2 << 21 | 3 << 18 | 4),
                (WRITE32, cpu, GICC, 1),
                (WRITE32, cpu, GICC + 4, 0xF0),
            ]
        records += _idle_bank(0, GICD, 1, group=0)
        records += [(WRITE8, 0, GICD + 0x800 + intid, intid in SPIS) for intid in range(32, 64)]
        return records


def _idle_bank(cpu: int, base: int, word: int, group: int) -> list[Record]:
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


def emitter(gic: int) -> Callable[[Operation], list[Record]]:
    """Return the function that turns an operation into records, for GIC version 2 or 3.

    It raises KeyError for an operation that this version does not have.
    """
    interface: object = _Version3() if gic == 3 else _Version2()
    table: dict[str, Emit] = {
        name: getattr(interface, name) for name in dir(interface) if not name.startswith("_")
    }

    def emit(operation: Operation) -> list[Record]:
        name, *arguments = operation
        return table[str(name)](*arguments)

    return emit
