"""Input lines, driven from inside the machine by devices whose level software can set.

They are the PMU (PPI 23), the timers (PPIs 26, 27 and 30), the PL011 (SPI 33), four `edu` devices
(SPIs 35 to 38) and the PL061 (SPI 39). Timers are driven by ENABLE, IMASK and a compare value that
is always or never reached, so the passing of time means nothing.
"""

from harness.conform.qemu.layout import STUB
from harness.conform.qemu.mailbox import EL1_WRITE, SYS_WRITE, WRITE32, Record

__all__ = [
    "LINE_PPIS",
    "LINE_SPIS",
    "MAINTENANCE",
    "SPIS",
    "TIMER",
    "all_low",
    "guest",
    "line",
    "machine_setup",
    "system",
    "timer",
]

TIMER = 27
MAINTENANCE = 25
LINE_PPIS = (23, 26, TIMER, 30)
LINE_SPIS = (33, 35, 36, 37, 38, 39)
SPIS = (33, 34, 35, 36, 37, 38, 39)

_PL011 = 0x09000000
_PL061 = 0x09030000
_ECAM = 0x4010000000
_EDU_BAR = {35: 0x10300000, 36: 0x10000000, 37: 0x10100000, 38: 0x10200000}
_EDU_SLOT = {35: 4, 36: 1, 37: 2, 38: 3}
_TIMERS = {26: "CNTHP", 27: "CNTV", 30: "CNTP"}
_TOP = 1 << 31
_NEVER = (1 << 64) - 1


def system(cpu: int, register: str, value: int) -> Record:
    """Return the write of a system register at EL2, by its name in ``STUB``."""
    return (SYS_WRITE, cpu, STUB[register], value)


def guest(cpu: int, register: str, value: int) -> Record:
    """Return the write of a system register at EL1, by its name in ``STUB``."""
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
        for name in _TIMERS.values():
            records += [system(cpu, f"{name}_CTL", 0), system(cpu, f"{name}_CVAL", 0)]
        records += [
            system(cpu, "PMINTENCLR", _TOP),
            system(cpu, "PMCR", 1),
            system(cpu, "PMOVSSET", _TOP),
        ]
    return records


def line(cpu: int, intid: int, level: int) -> list[Record]:
    """Drive the input of a PPI or SPI: 1 is high."""
    if intid in _TIMERS:
        name = _TIMERS[intid]
        return [system(cpu, f"{name}_CVAL", 0), system(cpu, f"{name}_CTL", level)]
    if intid == 23:
        return [system(cpu, "PMINTENSET" if level else "PMINTENCLR", _TOP)]
    if intid == 33:
        return [(WRITE32, cpu, _PL011 + 0x38, 0x20 if level else 0)]
    if intid == 39:
        return [(WRITE32, cpu, _PL061 + 0x410, 0xFF if level else 0)]
    return [(WRITE32, cpu, _EDU_BAR[intid] + (0x60 if level else 0x64), 1)]


def all_low(cpus: int) -> list[Record]:
    """Bring every input line of that many CPUs low."""
    records = [record for intid in LINE_SPIS for record in line(0, intid, 0)]
    for cpu in range(cpus):
        records += [record for intid in LINE_PPIS for record in line(cpu, intid, 0)]
    return records


def timer(cpu: int, enable: int, imask: int, met: int) -> list[Record]:
    """Set the virtual timer, in the order that never raises its line in between."""
    control = system(cpu, "CNTV_CTL", imask << 1 | enable)
    compare = system(cpu, "CNTV_CVAL", 0 if met else _NEVER)
    return [compare, control] if enable and not imask else [control, compare]
