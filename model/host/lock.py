"""Locks, and the order in which KVM takes them (the comment at the top of vgic.c)."""

from model.part import Part

__all__ = ["RANK_AP_LIST", "RANK_CONFIG", "RANK_IRQ", "Lockable"]

RANK_CONFIG = 5
RANK_AP_LIST = 10
RANK_IRQ = 20


class Lockable(Part):
    """A part protected by a raw spinlock of its own; ``holder`` names who has it ("" : free).

    The lock and what it protects are one resource: whoever may touch the one conflicts with
    whoever takes the other anyway.
    """

    __slots__ = ("holder",)

    holder: str

    def __init__(self) -> None:
        super().__init__()
        self.holder = ""

    def free(self) -> bool:
        """Tell whether the lock can be taken."""
        return not self.holder
