"""4. The active state is set only for what is injected (fixed by cff9211eb1a1, 2015).

The guest disables its timer's PPI at the distributor and lets the timer fire. Nothing is injected,
so nothing is marked active; the line is high, and each entry exits at once: a storm.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.vgic.decide import target_oracle

__all__ = ["PATCH"]


class OnlyInjected(Hooks):
    """The line alone is no reason to set the active state."""

    async def flush_phys_active(self, t: Context) -> None:
        """Mark the interrupt active only if it will be in a List Register."""
        irq = self.timer_irq(t.v)
        await t.lock(irq, Steps.map_is_active)
        injected = target_oracle(irq) == t.v
        await t.step(Steps.phys_active)
        self.write_phys_active(t, injected)


PATCH = Patch(
    id="4",
    title="active state set only for an interrupt that is injected, not for a high line",
    source="Linux cff9211eb1a1",
    symptom="storm: the guest never executes an instruction",
    hooks=OnlyInjected,
    refused={
        "v7.2": "since 4.15 the host's own handler takes the interrupt and leaves it active, "
        "injected or not",
    },
)
