"""A List Register: its value, and its two encodings (IHI0048 GICH_LRn, IHI0069 ICH_LR<n>_EL2)."""

import msgspec

__all__ = ["ACTIVE", "EMPTY", "INACTIVE", "PENDING", "PENDING_ACTIVE", "STATES", "Lr"]

INACTIVE = 0
PENDING = 1
ACTIVE = 2
PENDING_ACTIVE = 3
STATES = ("inactive", "pending", "active", "pending+active")


class Lr(msgspec.Struct, frozen=True, gc=False):
    """One List Register as a value.

    ``state`` is one of the four constants above. ``pintid`` means something only with ``hw``;
    ``eoi`` and ``source`` (GICv2 SGI: the requesting CPU) only without it.
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
