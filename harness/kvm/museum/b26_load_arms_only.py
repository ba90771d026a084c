"""26-load. The load sets up the emulation and injects nothing (fixed by 245715cbe83c, 2018).

The physical timer expired while the VCPU slept. The background timer woke it, and the load armed
nothing, as the timer fires already; nor did it tell the vgic. The guest goes on without its
interrupt until it next touches that timer.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v7_2 import V7_2

__all__ = ["EXHIBIT"]


class LoadArmsOnly(V7_2):
    """Era v7.2, with the load of 4.16 to 4.18; blocking asked for the timers' state then."""

    async def load_emulation(self, t: Context) -> None:
        """phys_timer_emulate alone."""
        if not self.machine.ptimers:
            return
        await t.step(t.o.update_ptimer)
        ptimer = self.machine.ptimers[t.v]
        if ptimer.can_fire() and not ptimer.should_fire(self.machine.clock.now):
            await t.step(t.o.emulation_arm)
            self.emulation_start(t, self.machine.phrtimers[t.v])

    def runnable(self, t: Context) -> bool:
        """kvm_cpu_has_pending_timer of then."""
        now = self.machine.clock.now
        return any(x.should_fire(now) for x in self.timers(t.v)[1:]) or super().runnable(t)


EXHIBIT = Exhibit(
    id="26-load",
    title="a load does not inject what the emulated timer raised while the VCPU slept",
    source="Linux 245715cbe83c (Fixes bbdd52cfcba29)",
    symptom="the physical timer's interrupt is lost while the guest idles",
    eras={
        "v4.14": "until 4.14 the level is recomputed before every entry",
        "v7.2": LoadArmsOnly,
    },
)
