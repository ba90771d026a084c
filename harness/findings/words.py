"""The words that findings are told in: eras, the rules that are broken together, and where."""

__all__ = [
    "BOTH",
    "FORGOTTEN",
    "HERE",
    "INV_ACT",
    "NOBODY",
    "NOT_DELIVERED",
    "OLD",
    "STUCK",
    "TODAY",
]

BOTH = ("v4.14", "v7.2")
TODAY = ("v7.2",)
OLD = ("v4.14",)
INV_ACT = ("R12", "R15", "R23", "I1")
"""A guest runs with a HW List Register whose physical interrupt is not active."""
NOT_DELIVERED = ("L1", "I6", "R27", "G9", "deadlock")
STUCK = ("I8", "G1", "G4", "G6", "G15")
"""An interrupt is active that its guest has ended, and waits so; or is not though it has not."""
FORGOTTEN = ("G6:device", "G7", "I2", "I10")
"""A physical interrupt is active for nothing, and what it stands for does not come."""
NOBODY = "nobody was asked"
HERE = "--scenario-file tests/race/scenarios/"
