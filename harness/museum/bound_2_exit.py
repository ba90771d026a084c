"""A machine without bound 2 on message lag: a line lowered at the exit is still seen high later.

In era v4.14 the host then handles an interrupt that it should never see.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.machine import Machine
from model.messages import Messages

__all__ = ["PATCH"]


class LateLine(Messages):
    """A line change made before the exit may arrive any time after it."""

    def at_exit(self, c: int) -> None:
        """Leave it under way."""


class LateLineMachine(Machine):
    """A machine with such a GIC."""

    messages_class = LateLine


class OnLateLineMachine(Hooks):
    """KVM on it."""

    machine_class = LateLineMachine


PATCH = Patch(
    id="bound-2",
    title="hardware: a line change made before an exit outlives the exit",
    source="design: message bound 2",
    symptom="the host takes an interrupt whose line has fallen",
    hooks=OnLateLineMachine,
    refused={
        "v7.2": "benign there: the host's handler finds the line low, injects nothing, and the "
        "stale active state is rewritten at the next load",
    },
)
