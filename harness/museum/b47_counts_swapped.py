"""47-counts. What is pending is counted as active, and the other way round (Bao f5eef43).

The causes of the maintenance interrupt are chosen by two numbers, which were handed over in the
wrong order.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class Swapped(Hooks):
    """The arguments of a call."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Take each for the other."""
        return super().configure_hcr(active, pending, size)


PATCH = Patch(
    id="47-counts",
    title="the numbers of pending and of active interrupts are swapped",
    source="Bao f5eef43",
    symptom="interrupts outside the List Registers come late, or their end is not seen",
    refused={"v4.14": "it asks for UIE alone"},
    hooks=Swapped,
)
