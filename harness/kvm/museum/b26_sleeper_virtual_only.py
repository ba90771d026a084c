"""26. The background timer of a sleeping VCPU stands in for its virtual timer only.

A guest that idles with its physical timer alone armed is never woken. (The commit that is named
after this loss, 245715cbe83c, fixed the other half of it: exhibit 26-load.)
"""

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.vgic.vtimer import VTimer

__all__ = ["EXHIBIT"]


class SeedVirtualOnly(V4_14):
    """Era v4.14: kvm_timer_schedule."""

    def blocking_timers(self, v: int) -> tuple[VTimer, ...]:
        """Forget the emulated timer."""
        return self.timers(v)[:1]


class LazyVirtualOnly(V7_2):
    """Era v7.2: kvm_timer_blocking."""

    def blocking_timers(self, v: int) -> tuple[VTimer, ...]:
        """Forget the emulated timer."""
        return self.timers(v)[:1]


EXHIBIT = Exhibit(
    id="26",
    title="a VCPU that blocks is not woken for its emulated physical timer",
    source="what kvm_timer_earliest_exp is for; compare Linux 245715cbe83c",
    symptom="a guest that idles on its physical timer sleeps for good",
    eras={"v4.14": SeedVirtualOnly, "v7.2": LazyVirtualOnly},
)
