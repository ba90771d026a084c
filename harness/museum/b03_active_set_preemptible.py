"""3. The physical active state is set where the thread can be preempted (7e16aa81f9f6, 2015).

KVM sets the bit on CPU a, is preempted, resumes on CPU b and enters its guest there: b's bit, which
is banked, is clear, and a's stays set and masks another VCPU's timer.
"""

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from harness.resources import DIST, VGIC

__all__ = ["PATCH"]


BEFORE_PREEMPT_DISABLE = Step((VGIC.own, DIST), (), "before_preempt_disable")


class Preemptible(Hooks):
    """The timer's flush comes before preempt_disable."""

    async def flush_timer(self, t: Context) -> None:
        """Flush the timer, then leave a window in which the thread can be moved."""
        await super().flush_timer(t)
        await self.point(t, BEFORE_PREEMPT_DISABLE)


PATCH = Patch(
    id="3",
    title="physical active state set in a preemptible section",
    source="Linux 7e16aa81f9f6",
    symptom="guest entered on a CPU where the interrupt is not active",
    hooks=Preemptible,
    refused={
        "v7.2": "since 4.15 the state is written by vcpu_load itself, which runs again whenever "
        "the thread is moved: there is no such window to lose",
    },
)
