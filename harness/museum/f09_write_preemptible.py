"""F9, found with this model: a write to the emulated physical timer can be preempted halfway.

kvm_arm_timer_write_sysreg cancels the soft timer that emulates the timer, writes the register, and
emulates anew, with preemption on. A thread that loses its CPU after the cancellation is loaded
again, and the load arms the soft timer for what the register held before. When the write turns the
timer off, there is nothing to arm, and nothing is cancelled; and when the soft timer fires, only
the time is compared. Era v7.2 here does all three with preemption off.

It takes a preemption at one step, and a timer that is not due until long after: no random schedule
was seen to have both. An exhaustive search finds it in a second.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class Preemptible(Hooks):
    """As shipped."""

    async def before_write(self, t: Context) -> None:
        """Let the host scheduler in before the register is written."""
        await self.point(t, Steps.write_ptimer)


PATCH = Patch(
    id="F9",
    title="KVM as shipped: a write to the emulated physical timer can be preempted halfway",
    source="Linux kvm_arm_timer_write_sysreg, kvm_hrtimer_expire; found with this model",
    symptom="the interrupt of a physical timer that is off",
    hooks=Preemptible,
    refused={"v4.14": "4.14 stores a trapped write, and recomputes the output before the entry"},
    shipped=True,
    deep="vgic-race explore tests/race/scenarios/ptimer-off.toml --variant v7.2+F9",
)
