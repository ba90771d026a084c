"""LPIs of QEMU's GICv3: a table of properties, one of what is pending, and the ITS.

QEMU 7.2 has no GICR_SETLPIR: only its ITS makes an LPI pending. Event n of device 0 stands for LPI
8192 + n, and each CPU has two of them (IHI0069 chapter 5). A list of commands is put at the head of
the queue, which is set up again each time, so that no record depends on those before it.
"""

from harness.conform.qemu.layout import GICR, GITS, LPI_PENDING, LPI_TABLES
from harness.conform.qemu.mailbox import WRITE8, WRITE32, WRITE64, Record

__all__ = ["LPIS_PER_CPU", "clear", "configure", "lpis", "message", "reset", "setup"]

LPIS_PER_CPU = 2

_FIRST = 8192
_DEVICES, _COLLECTIONS, _QUEUE, _TRANSLATIONS, _PROPERTIES = (
    LPI_TABLES + 0x10000 * number for number in range(5)
)
_ID_BITS = 14
_VALID = 1 << 63
_MAPD, _MAPC, _MAPTI, _CLEAR, _INV = 0x08, 0x09, 0x0A, 0x04, 0x0C
_ENABLED = 0xA0 | 1

Command = tuple[int, int, int, int]


def lpis(cpu: int) -> range:
    """Return the LPIs that are routed to a CPU."""
    first = _FIRST + LPIS_PER_CPU * cpu
    return range(first, first + LPIS_PER_CPU)


def _commands(cpu: int, *commands: Command) -> list[Record]:
    records = [
        (WRITE32, cpu, GITS, 0),
        (WRITE64, cpu, GITS + 0x88, 0),
        (WRITE64, cpu, GITS + 0x80, _VALID | _QUEUE),
    ]
    for at, words in enumerate(commands):
        records += [
            (WRITE64, cpu, _QUEUE + 32 * at + 8 * part, word) for part, word in enumerate(words)
        ]
    return [
        *records,
        (WRITE32, cpu, GITS, 1),
        (WRITE64, cpu, GITS + 0x88, 32 * len(commands)),
    ]


def setup(cpus: int) -> list[Record]:
    """Return the records that map every LPI, each to its CPU."""
    records: list[Record] = [
        (WRITE32, 0, GITS, 0),
        (WRITE64, 0, GITS + 0x100, _VALID | _DEVICES),
        (WRITE64, 0, GITS + 0x108, _VALID | _COLLECTIONS),
    ]
    for cpu in range(cpus):
        frame = GICR + 0x20000 * cpu
        records += [
            (WRITE32, 0, frame, 0),
            (WRITE64, 0, frame + 0x70, _PROPERTIES | _ID_BITS - 1),
            (WRITE64, 0, frame + 0x78, LPI_PENDING + 0x10000 * cpu),
        ]
    commands: list[Command] = [(_MAPD, 4, _VALID | _TRANSLATIONS, 0)]
    for cpu in range(cpus):
        commands.append((_MAPC, 0, _VALID | cpu << 16 | cpu, 0))
        commands += [(_MAPTI, lpi << 32 | lpi - _FIRST, cpu, 0) for lpi in lpis(cpu)]
    return records + _commands(0, *commands)


def reset(cpu: int) -> list[Record]:
    """Return the records after which a CPU's LPIs are enabled, of priority 0xA0, not pending."""
    frame = GICR + 0x20000 * cpu
    return [
        (WRITE32, cpu, frame, 0),
        (WRITE64, cpu, LPI_PENDING + 0x10000 * cpu + _FIRST // 8, 0),
        *((WRITE8, cpu, _PROPERTIES + lpi - _FIRST, _ENABLED) for lpi in lpis(cpu)),
        (WRITE32, cpu, frame, 1),
    ]


def message(cpu: int, lpi: int) -> list[Record]:
    """Return the write of a message to GITS_TRANSLATER."""
    return [(WRITE32, cpu, GITS + 0x10040, lpi - _FIRST)]


def clear(cpu: int, lpi: int) -> list[Record]:
    """Return the command CLEAR."""
    return _commands(cpu, (_CLEAR, lpi - _FIRST, 0, 0))


def configure(cpu: int, lpi: int, properties: int) -> list[Record]:
    """Return the write of an LPI's byte of properties, and the command INV."""
    write = (WRITE8, cpu, _PROPERTIES + lpi - _FIRST, properties)
    return [write, *_commands(cpu, (_INV, lpi - _FIRST, 0, 0))]
