"""3. The physical active state is set where the thread can be preempted (7e16aa81f9f6, 2015).

KVM sets the bit on CPU a, is preempted, resumes on CPU b and enters its guest there: b's bit, which
is banked, is clear, and a's stays set and masks another VCPU's timer.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.ops import KVM_OPS
from harness.kvm.v4_14 import V4_14

__all__ = ["EXHIBIT"]


class Preemptible(V4_14):
    """Era v4.14: the timer's flush comes before preempt_disable."""

    OPS = KVM_OPS | {"before_preempt_disable": ("vgic@v dist", "")}

    async def flush_timer(self, t: Context) -> None:
        """Flush the timer, then leave a window in which the thread can be moved."""
        await super().flush_timer(t)
        await self.point(t, "before_preempt_disable")


EXHIBIT = Exhibit(
    id="3",
    title="physical active state set in a preemptible section",
    source="Linux 7e16aa81f9f6",
    symptom="guest entered on a CPU where the interrupt is not active",
    eras={
        "v4.14": Preemptible,
        "v7.2": "since 4.15 the state is written by vcpu_load itself, which runs again whenever "
        "the thread is moved: there is no such window to lose",
    },
)
