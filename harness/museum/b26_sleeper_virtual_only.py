"""26. The background timer of a sleeping VCPU stands in for its virtual timer only.

A guest that idles with its physical timer alone armed is never woken. (The commit that is named
after this loss, 245715cbe83c, fixed the other half of it: exhibit 26-load.)
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.timer_context import TimerContext

__all__ = ["PATCH"]


class VirtualOnly(Hooks):
    """kvm_timer_schedule in 4.14, kvm_timer_blocking today."""

    def blocking_timers(self, v: int) -> tuple[TimerContext, ...]:
        """Forget the emulated timer."""
        return self.timers(v)[:1]


PATCH = Patch(
    id="26",
    title="a VCPU that blocks is not woken for its emulated physical timer",
    source="what kvm_timer_earliest_exp is for; compare Linux 245715cbe83c",
    symptom="a guest that idles on its physical timer sleeps for good",
    hooks=VirtualOnly,
)
