"""42. The fold may be preempted while it holds irq_lock (fixed by 2e2f6c3c0b08, 2016).

cond_resched_lock was called with interrupts off, and gave the CPU away in the midst of what another
thread or a handler must not see half done.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Yields(Hooks):
    """A point of preemption under the lock."""

    async def fold_locked(self, t: Context, irq: VgicIrq, lr: Lr) -> None:
        """Let others go on before the lock is given back."""
        await super().fold_locked(t, irq, lr)
        await self.point(t, Steps.preempt_disable)


PATCH = Patch(
    id="42",
    title="a thread gives its CPU away while it holds irq_lock with interrupts off",
    source="Linux 2e2f6c3c0b08",
    symptom="a host CPU sleeps under a spinlock",
    hooks=Yields,
)
