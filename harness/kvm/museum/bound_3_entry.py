"""A machine without bound 3 on message lag: a deactivation outlives the CPU's next guest entry.

It then belongs to an earlier stay than the one it arrives in.
"""

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v7_2 import V7_2
from model.machine import Machine
from model.messages import Messages

__all__ = ["EXHIBIT"]


class LateDeactivation(Messages):
    """A deactivation may still be under way when a guest is entered."""

    def at_entry(self, c: int) -> None:
        """Leave it under way; only what the general bound covers is delivered."""
        self.grow_old(c)


class LateDeactivationMachine(Machine):
    """A machine with such a GIC."""

    messages_class = LateDeactivation


class LazyLateDeactivation(V7_2):
    """Era v7.2 on it."""

    machine_class = LateDeactivationMachine


EXHIBIT = Exhibit(
    id="bound-3",
    title="hardware: a guest's deactivation outlives the next guest entry",
    source="design: message bound 3",
    symptom="a deactivation arrives in a later stay than its own",
    eras={
        "v4.14": "hidden there: the active state is written at every entry that follows a "
        "deactivation, and bound 1 delivers it first",
        "v7.2": LazyLateDeactivation,
    },
)
