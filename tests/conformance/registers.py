"""List Registers of a trace against the interrupts that were put into them.

A probe with an offset that is wrong by one field shows here: the state of the interrupt and the
register come from different structures.
"""

import re

__all__ = ["compare", "fields"]

_EVENT = re.compile(rb"^[^#].*: (\w+): \(")
_FIELD = re.compile(rb"(\w+)=(\S+)")


def fields(line: bytes, event: str) -> dict[str, str] | None:
    """The fields of a line if it is this probe's; those that the reader does not know included."""
    found = _EVENT.match(line)
    if found is None or found[1].decode() != event:
        return None
    return {name.decode(): value.decode() for name, value in _FIELD.findall(line)}


def compare(trace: bytes, gic: int) -> int:
    """Compare each register at each entry; give how many."""
    put: dict[tuple[str, str], dict[str, str]] = {}
    compared = 0
    for line in trace.splitlines():
        irq = fields(line, f"populate_lr{gic}")
        if irq is not None:
            put[irq["vcpu"], irq["lr"]] = irq
        entry = fields(line, "lr_entry")
        if entry is None:
            continue
        assert entry["mode"] == "1", line
        for n in range(int(entry["used"])):
            irq = put[entry["vcpu"], str(n)]
            assert _decoded(int(entry[f"lr{n}"], 0), gic) == _expected(irq), (line, irq)
            compared += 1
    return compared


def _decoded(lr: int, gic: int) -> tuple[int, int, int, int]:
    """vINTID, priority, group and HW of a List Register."""
    if gic == 3:
        return lr & 0xFFFFFFFF, lr >> 48 & 0xF8, lr >> 60 & 1, lr >> 61 & 1
    return lr & 0x3FF, lr >> 23 << 3 & 0xF8, lr >> 30 & 1, lr >> 31


def _expected(irq: dict[str, str]) -> tuple[int, int, int, int]:
    return int(irq["intid"]), int(irq["prio"]) & 0xF8, int(irq["group"]), int(irq["hw"])
