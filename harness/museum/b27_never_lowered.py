"""27. The emulated physical timer is raised, and never lowered (after bee038a67487, 2019).

The guest's handler silences the timer; KVM stores that, cancels its soft timer, and leaves the
vgic's line high. The guest completes the interrupt and is given it again, and again. Fixed by
comparing with the level that was told last.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.timer_context import TimerContext

__all__ = ["PATCH"]


class OnlyRaised(Hooks):
    """The timer_emulate of 5.1."""

    def level_changes(self, ptimer: TimerContext, level: bool) -> bool:
        """Tell the vgic whenever it fires."""
        return level


PATCH = Patch(
    id="27",
    title="the emulated physical timer's line is raised, and never lowered",
    source="Linux: timer_emulate compares with irq.level (Fixes bee038a67487)",
    symptom="interrupts of a timer that the guest has silenced, without end",
    hooks=OnlyRaised,
    refused={
        "v4.14": "4.14 recomputes the level before every entry and injects either change of it",
    },
)
