"""50-end. The end of what is disabled meanwhile is dropped (FreeBSD vmm, CheriBSD pull 2692).

A guest acknowledges an interrupt, disables it in its handler, as drivers do, and completes it. That
completion was looked for among those that are enabled.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class OnlyEnabled(Hooks):
    """The fold leaves a disabled interrupt active."""

    def fold_edge_or_level(self, irq: VgicIrq, lr: Lr) -> bool:
        """Take no notice of its end."""
        was = irq.active
        deactivated = super().fold_edge_or_level(irq, lr)
        irq.active = irq.active or (was and not irq.enabled)
        return deactivated


PATCH = Patch(
    id="50-end",
    title="the end of an interrupt that is disabled meanwhile is dropped",
    source="FreeBSD arm64/vmm vgic_v3, CheriBSD pull request 2692",
    symptom="an interrupt is stuck active",
    hooks=OnlyEnabled,
)
