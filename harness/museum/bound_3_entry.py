"""A machine without bound 3 on message lag: a deactivation outlives the CPU's next guest entry.

It then belongs to an earlier stay than the one it arrives in. As 7.2 writes the List Registers at
every entry, that must not deliver it either.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.machine import Machine
from model.messages import Messages

__all__ = ["PATCH"]


class LateDeactivation(Messages):
    """A deactivation may still be under way when a guest is entered."""

    def before_lrs(self, c: int) -> None:
        """Leave it under way."""

    def at_entry(self, c: int) -> None:
        """Leave it under way; only what the general bound covers is delivered."""
        self.grow_old(c)


class LateDeactivationMachine(Machine):
    """A machine with such a GIC."""

    messages_class = LateDeactivation


class OnLateDeactivationMachine(Hooks):
    """KVM on it."""

    machine_class = LateDeactivationMachine


PATCH = Patch(
    id="bound-3",
    title="hardware: a guest's deactivation outlives the next guest entry",
    source="design: message bound 3",
    symptom="a deactivation arrives in a later stay than its own",
    hooks=OnLateDeactivationMachine,
    refused={
        "v4.14": "hidden there: the active state is written at every entry that follows a "
        "deactivation, and bound 1 delivers it first",
    },
)
