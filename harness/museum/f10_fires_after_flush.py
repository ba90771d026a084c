"""F10, found with this model: 4.14 enters its guest with the physical timer due, and untold.

kvm_timer_flush_hwstate recomputes the emulated timer's output with interrupts on, and arms the soft
timer for its next rise. If that fires before the entry, its work wakes a thread that runs already:
nothing is left that would make the guest exit, and it goes on without its interrupt until something
else does. Since 4.15 the callback injects. Era v4.14 here looks once more, with interrupts off.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class EntersUntold(Hooks):
    """As shipped."""

    async def ptimer_is_missed(self, t: Context) -> bool:
        """Trust that the flush was enough."""
        return False


PATCH = Patch(
    id="F10",
    title="KVM as shipped: a physical timer that fires between flush and entry is late",
    source="Linux kvm_timer_flush_hwstate, kvm_timer_expire (4.14); found with this model",
    symptom="a busy guest gets its physical timer's interrupt only after another exit",
    hooks=EntersUntold,
    refused={"v7.2": "since 4.15 the soft timer's callback injects"},
    shipped=True,
)
