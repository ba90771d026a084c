"""26-load. The load sets up the emulation and injects nothing (fixed by 245715cbe83c, 2018).

The physical timer expired while the VCPU slept. The background timer woke it, and the load armed
nothing, as the timer fires already; nor did it tell the vgic. The guest goes on without its
interrupt until it next touches that timer.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.identity import PTIMER

__all__ = ["PATCH"]


class LoadArmsOnly(Hooks):
    """The load of 4.16 to 4.18; blocking asked for the timers' state then."""

    async def load_emulation(self, t: Context) -> None:
        """phys_timer_emulate alone."""
        if not self.emulates():
            return
        await t.step(Steps.update_ptimer)
        ptimer = self.machine.timers[t.v][PTIMER]
        if ptimer.can_fire() and not ptimer.should_fire(self.machine.clock.now):
            await t.step(Steps.emulation_arm)
            self.soft_timer_start(t, PTIMER)

    def runnable(self, t: Context) -> bool:
        """kvm_cpu_has_pending_timer of then."""
        now = self.machine.clock.now
        return any(x.should_fire(now) for x in self.timers(t.v)[1:]) or super().runnable(t)


PATCH = Patch(
    id="26-load",
    title="a load does not inject what the emulated timer raised while the VCPU slept",
    source="Linux 245715cbe83c",
    symptom="the physical timer's interrupt is lost while the guest idles",
    hooks=LoadArmsOnly,
    refused={
        "v4.14": "until 4.14 the level is recomputed before every entry",
    },
)
