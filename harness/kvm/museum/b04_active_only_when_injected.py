"""4. The active state is set only for what is injected (fixed by cff9211eb1a1, 2015).

The guest disables its timer's PPI at the distributor and lets the timer fire. Nothing is injected,
so nothing is marked active; the line is high, and each entry exits at once: a storm.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from model.vgic.decide import target_oracle

__all__ = ["EXHIBIT"]


class OnlyInjected(V4_14):
    """Era v4.14: the line alone is no reason to set the active state."""

    async def flush_phys_active(self, t: Context) -> None:
        """Mark the interrupt active only if it will be in a List Register."""
        irq = self.machine.irqs[t.v]
        await t.lock(irq, t.o.map_is_active)
        injected = target_oracle(irq) == t.v
        await t.step(t.o.phys_active)
        self.write_phys_active(t, injected)


EXHIBIT = Exhibit(
    id="4",
    title="active state set only for an interrupt that is injected, not for a high line",
    source="Linux cff9211eb1a1",
    symptom="storm: the guest never executes an instruction",
    eras={
        "v4.14": OnlyInjected,
        "v7.2": "since 4.15 the host's own handler takes the interrupt and leaves it active, "
        "injected or not",
    },
)
