"""An interrupt as a guest's accesses to the distributor make it, and what they do."""

from model.check.possible import READ, Possible
from model.check.unknown import Bits, Debt
from model.gic.registers import PRIORITY_MASK

__all__ = ["NO", "YES", "Irq", "looks_again", "step_of", "takes_away"]

NO, YES = 1, 2
"""Masks: certainly not, certainly so."""

LATER = ("enabled", "target", "pending")
"""What is not taken out of List Registers where a guest runs: see ``model.rules.guest.excuses``."""


class Irq(Possible):
    """An interrupt as its guest sees it: masks of 0 and 1, and ``target`` one of VCPUs.

    ``target`` is 0 while an SPI goes where it went at first, and it is ``routed`` from a write of
    it to the next acknowledge: it may be in another VCPU's hands until then. ``priority`` is a mask
    of what its upper five bits may be, ``group`` one of groups; both are 0 while it is as it was at
    first. ``line`` is that of
    its device, if it is a level; ``more`` counts what came when it was pending. It is ``latched``
    from an ISPENDR to the next acknowledge: a level is pending then though its line is low; and a
    level was ``raised`` if its line was high since an access began: it may have come again.
    ``cleared``: a guest wrote ICPENDR since the last acknowledge. ``silent``: its device has sent
    nothing since the VM monitor reset it.
    """

    enabled: Bits = YES
    pending: Bits = NO
    active: Bits = NO
    target: Bits = 0
    line: Bits = 0
    more: Debt[int] = 0
    routed: Debt[bool] = False
    priority: Bits = 0
    latched: Debt[bool] = False
    raised: Debt[bool] = False
    cleared: Debt[bool] = False
    group: Bits = 0
    silent: Debt[bool] = False


def takes_away(name: str, value: int) -> bool:
    """Tell whether such a write is one that List Registers elsewhere may not show at once."""
    return (name in ("target", "group") and value != READ) or (value == 0 and name in LATER)


def step_of(priority: int) -> int:
    """Return which of the 32 priorities that there are it is (five bits are implemented)."""
    return (priority & PRIORITY_MASK) >> 3


def looks_again(name: str, value: int) -> bool:
    """Tell whether by such a write a level's line is looked at again: an enable, a deactivation."""
    return (name, value) in (("enabled", 1), ("active", 0))
