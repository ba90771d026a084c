"""1. The physical active state follows the line alone (fixed by 0e3dfda91d9f, 2015).

The guest acknowledges and silences its timer; before it completes, KVM schedules it in again, sees
the line low, and clears the physical active state although a List Register is active. The guest's
deactivation then hits an inactive interrupt.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.messages import VTIMER_PPI

__all__ = ["EXHIBIT"]


class SeedLineOnly(V4_14):
    """Era v4.14, at every entry."""

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Forget that the guest may have the interrupt active."""
        return level


class LazyLineOnly(V7_2):
    """Era v7.2, at every load."""

    async def load_phys_active(self, t: Context) -> None:
        """Forget that the guest may have the interrupt active."""
        await t.step(t.o.phys_active)
        self.set_phys_active(t, VTIMER_PPI, self.machine.vtimers[t.v].irq_level)


EXHIBIT = Exhibit(
    id="1",
    title="physical active state from the line only, not from the List Register",
    source="Linux 0e3dfda91d9f",
    symptom="LR active while the physical interrupt is inactive",
    eras={"v4.14": SeedLineOnly, "v7.2": LazyLineOnly},
)
