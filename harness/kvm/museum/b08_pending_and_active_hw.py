"""8. A HW List Register is written pending and active (fixed by 3d6e77ad1489 and its twin, 2017).

The interrupt is injected again while the guest handles it, and KVM puts both states into the
register. The guest's deactivation ends the physical interrupt and leaves the virtual one pending:
the guest is then given an interrupt whose physical side is inactive.
"""

import msgspec

from harness.kvm.lazy import Lazy
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.seed import Seed
from model.gic.lr import PENDING_ACTIVE, Lr
from model.vgic.irq import VgicIrq

__all__ = ["EXHIBIT"]


def both_states(irq: VgicIrq, lr: Lr) -> Lr:
    """Return the register with the pending state that populate left out."""
    if irq.hw and irq.active and irq.is_pending():
        return msgspec.structs.replace(lr, state=PENDING_ACTIVE)
    return lr


class SeedBoth(Seed):
    """Era seed."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Write both states."""
        return both_states(irq, super().populate_lr(irq))


class LazyBoth(Lazy):
    """Era lazy."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Write both states."""
        return both_states(irq, super().populate_lr(irq))


EXHIBIT = Exhibit(
    id="8",
    title="a HW List Register is written pending and active",
    source="Linux 3d6e77ad1489",
    symptom="a spurious interrupt whose physical side is inactive",
    eras={"seed": SeedBoth, "lazy": LazyBoth},
)
