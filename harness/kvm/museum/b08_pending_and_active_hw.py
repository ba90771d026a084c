"""8. A HW List Register is written pending and active (fixed by 3d6e77ad1489 and its twin, 2017).

The interrupt is injected again while the guest handles it, and KVM puts both states into the
register. The guest's deactivation ends the physical interrupt and leaves the virtual one pending:
the guest is then given an interrupt whose physical side is inactive.
"""

import msgspec

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.gic.lr import PENDING_ACTIVE, Lr
from model.vgic.irq import VgicIrq

__all__ = ["EXHIBIT"]


def both_states(irq: VgicIrq, lr: Lr) -> Lr:
    """Return the register with the pending state that populate left out."""
    if irq.hw and irq.active and irq.is_pending():
        return msgspec.structs.replace(lr, state=PENDING_ACTIVE)
    return lr


class SeedBoth(V4_14):
    """Era v4.14."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Write both states."""
        return both_states(irq, super().populate_lr(irq))


class LazyBoth(V7_2):
    """Era v7.2."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Write both states."""
        return both_states(irq, super().populate_lr(irq))


EXHIBIT = Exhibit(
    id="8",
    title="a HW List Register is written pending and active",
    source="Linux 3d6e77ad1489",
    symptom="a spurious interrupt whose physical side is inactive",
    eras={"v4.14": SeedBoth, "v7.2": LazyBoth},
)
