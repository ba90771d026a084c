"""What guests' accesses to the distributor do, as far as several views and rules ask."""

from model.check.possible import READ
from model.gic.registers import PRIORITY_MASK

__all__ = ["looks_again", "step_of", "takes_away"]

LATER = ("enabled", "target", "pending")
"""What is not taken out of List Registers where a guest runs: see ``model.rules.guest.excuses``."""


def takes_away(name: str, value: int) -> bool:
    """Tell whether such a write is one that List Registers elsewhere may not show at once."""
    return (name == "target" and value != READ) or (value == 0 and name in LATER)


def step_of(priority: int) -> int:
    """Return which of the 32 priorities that there are it is (five bits are implemented)."""
    return (priority & PRIORITY_MASK) >> 3


def looks_again(name: str, value: int) -> bool:
    """Tell whether by such a write a level's line is looked at again: an enable, a deactivation."""
    return (name, value) in (("enabled", 1), ("active", 0))
