"""A List Register: its value, and its two encodings (IHI0048 GICH_LRn, IHI0069 ICH_LR<n>_EL2)."""

import msgspec

__all__ = [
    "ACTIVE",
    "EMPTY",
    "INACTIVE",
    "PENDING",
    "PENDING_ACTIVE",
    "STATES",
    "Lr",
    "decode_v2",
    "decode_v3",
    "encode_v2",
    "encode_v3",
]

INACTIVE = 0
PENDING = 1
ACTIVE = 2
PENDING_ACTIVE = 3
STATES = ("inactive", "pending", "active", "pending+active")


class Lr(msgspec.Struct, frozen=True, gc=False):
    """One List Register as a value.

    ``vintid`` is what the guest acknowledges; ``state`` is one of the four constants above;
    ``priority`` is 0 to 0xF8, lower is higher; ``group`` 0 or 1. With ``hw`` the guest's
    deactivation also deactivates the physical interrupt ``pintid``, which means nothing without it;
    ``eoi`` (a maintenance interrupt at the deactivation) and ``source`` (GICv2 SGI: the requesting
    CPU, 0 to 7) only mean something without it.
    """

    vintid: int = 0
    state: int = INACTIVE
    hw: bool = False
    pintid: int = 0
    priority: int = 0
    group: int = 1
    eoi: bool = False
    source: int = 0


EMPTY = Lr()


def encode_v2(lr: Lr) -> int:
    """Return the 32 bits of GICH_LRn (IHI0048 section 5.3).

    The register holds the upper five bits of the priority; the others are lost. Bits [19:10] hold
    the physical INTID with HW, and the EOI bit and the requesting CPU without it.

    Raises:
        ValueError: An INTID or a source does not fit its field.
    """
    _check("vINTID", lr.vintid, 10)
    value = lr.vintid | (lr.priority >> 3 & 0x1F) << 23 | lr.state << 28 | lr.group << 30
    if lr.hw:
        _check("pINTID", lr.pintid, 10)
        return value | lr.pintid << 10 | 1 << 31
    _check("source CPU", lr.source, 3)
    return value | lr.source << 10 | lr.eoi << 19


def decode_v2(value: int) -> Lr:
    """Return the List Register that the 32 bits of GICH_LRn stand for."""
    hw = bool(value >> 31 & 1)
    return Lr(
        vintid=value & 0x3FF,
        state=value >> 28 & 3,
        hw=hw,
        pintid=value >> 10 & 0x3FF if hw else 0,
        priority=(value >> 23 & 0x1F) << 3,
        group=value >> 30 & 1,
        eoi=not hw and bool(value >> 19 & 1),
        source=0 if hw else value >> 10 & 7,
    )


def encode_v3(lr: Lr) -> int:
    """Return the 64 bits of ICH_LR<n>_EL2 (IHI0069 chapter 12).

    For the SGIs of a GICv2 guest the requesting CPU sits in bits [12:10] of the vINTID field,
    where such a guest's IAR finds it. EOI (bit 41) lies inside the field of the physical INTID.

    Raises:
        ValueError: An INTID or a source does not fit its field.
    """
    _check("vINTID", lr.vintid, 32)
    value = lr.vintid | (lr.priority & 0xFF) << 48 | lr.group << 60 | lr.state << 62
    if lr.hw:
        _check("pINTID", lr.pintid, 13)
        return value | lr.pintid << 32 | 1 << 61
    if lr.source:
        _check("source CPU", lr.source, 3)
        _check("vINTID with a source CPU", lr.vintid, 4)
    return value | lr.source << 10 | lr.eoi << 41


def decode_v3(value: int) -> Lr:
    """Return the List Register that the 64 bits of ICH_LR<n>_EL2 stand for.

    A vINTID field below 8192 whose low ten bits name an SGI is read as an SGI with its source; the
    extended INTID ranges of GICv3.1, which would overlap with that, are not modelled.
    """
    hw = bool(value >> 61 & 1)
    vintid = value & 0xFFFF_FFFF
    source = 0
    if not hw and vintid < 8192 and vintid & 0x3FF < 16:
        source = vintid >> 10
        vintid &= 0x3FF
    return Lr(
        vintid=vintid,
        state=value >> 62 & 3,
        hw=hw,
        pintid=value >> 32 & 0x1FFF if hw else 0,
        priority=value >> 48 & 0xFF,
        group=value >> 60 & 1,
        eoi=not hw and bool(value >> 41 & 1),
        source=source,
    )


def _check(what: str, value: int, bits: int) -> None:
    if value >> bits:
        raise ValueError(f"List Register: {what} {value} does not fit in {bits} bits")
