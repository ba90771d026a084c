"""A machine without bound 1 on message lag: accesses overtake the CPU's own earlier messages.

KVM marks the interrupt active for the next stay; a deactivation that a guest sent before arrives
after that, and clears it.
"""

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.machine import Machine
from model.messages import Messages

__all__ = ["EXHIBIT"]


class Overtaking(Messages):
    """An access to the distributor does not wait for this CPU's own messages."""

    def before_access(self, c: int) -> None:
        """Leave them under way."""


class OvertakingMachine(Machine):
    """A machine with such a GIC."""

    messages_class = Overtaking


class SeedOvertaking(V4_14):
    """Era v4.14 on it."""

    machine_class = OvertakingMachine


class LazyOvertaking(V7_2):
    """Era v7.2 on it."""

    machine_class = OvertakingMachine


EXHIBIT = Exhibit(
    id="bound-1",
    title="hardware: an access to the distributor overtakes the CPU's own deactivations",
    source="design: message bound 1",
    symptom="an active state just set is cleared by an older deactivation",
    eras={"v4.14": SeedOvertaking, "v7.2": LazyOvertaking},
)
