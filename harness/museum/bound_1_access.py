"""A machine without bound 1 on message lag: accesses overtake the CPU's own earlier messages.

KVM marks the interrupt active for the next stay; a deactivation that a guest sent before arrives
after that, and clears it.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.machine import Machine
from model.messages import Messages

__all__ = ["PATCH"]


class Overtaking(Messages):
    """An access to the distributor does not wait for this CPU's own messages."""

    def before_access(self, c: int) -> None:
        """Leave them under way."""


class OvertakingMachine(Machine):
    """A machine with such a GIC."""

    messages_class = Overtaking


class OnOvertakingMachine(Hooks):
    """KVM on it."""

    machine_class = OvertakingMachine


PATCH = Patch(
    id="bound-1",
    title="hardware: an access to the distributor overtakes the CPU's own deactivations",
    source="design: message bound 1",
    symptom="an active state just set is cleared by an older deactivation",
    hooks=OnOvertakingMachine,
)
