"""1. The physical active state follows the line alone (fixed by 0e3dfda91d9f, 2015).

The guest acknowledges and silences its timer; before it completes, KVM schedules it in again, sees
the line low, and clears the physical active state although a List Register is active. The guest's
deactivation then hits an inactive interrupt.
"""

from harness.kvm.lazy import Lazy
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.seed import Seed
from harness.tasks.context import Context
from model.messages import VTIMER_PPI

__all__ = ["EXHIBIT"]


class SeedLineOnly(Seed):
    """Era seed, at every entry."""

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Forget that the guest may have the interrupt active."""
        return level


class LazyLineOnly(Lazy):
    """Era lazy, at every load."""

    async def load_phys_active(self, t: Context) -> None:
        """Forget that the guest may have the interrupt active."""
        await t.step(t.o.phys_active)
        self.set_phys_active(t, VTIMER_PPI, self.machine.vtimers[t.v].irq_level)


EXHIBIT = Exhibit(
    id="1",
    title="physical active state from the line only, not from the List Register",
    source="Linux 0e3dfda91d9f",
    symptom="LR active while the physical interrupt is inactive",
    eras={"seed": SeedLineOnly, "lazy": LazyLineOnly},
)
