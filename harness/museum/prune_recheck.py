"""Prune moves what it saw, and does not look again once it holds all the locks.

vgic_prune_ap_list finds an interrupt that goes to another VCPU now, and drops its locks, because
those of both ap_lists are taken in the order of the VCPUs. With them and irq_lock in hand it asks
vgic_target_oracle once more: meanwhile the guest may have written IROUTER. Without that, an
interrupt gets onto the ap_list of a VCPU which it no longer goes to. That VCPU gives it up at its
next exit; if it has none, because the guest routed the interrupt away from a CPU that it then took
offline, every later event kicks the new target, which does not have it. No kernel had this bug: the
second look came with the first version of the function (4.7). It shows what the look is for.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Trusting(Hooks):
    """Move what was seen to go elsewhere."""

    def still_moves(self, t: Context, irq: VgicIrq, target: int) -> bool:
        """Trust the first look."""
        return True


PATCH = Patch(
    id="prune-recheck",
    title="prune does not look again after it dropped the locks",
    source="Linux vgic_prune_ap_list (not historical)",
    symptom="an interrupt is on the ap_list of a VCPU it does not go to; if that is offline: lost",
    hooks=Trusting,
)
