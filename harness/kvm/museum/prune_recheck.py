"""Prune moves what it saw, and does not look again once it holds all the locks.

vgic_prune_ap_list finds an interrupt that goes to another VCPU now, and drops its locks, because
those of both ap_lists are taken in the order of the VCPUs. With them and irq_lock in hand it asks
vgic_target_oracle once more: meanwhile the guest may have written IROUTER. Without that, an
interrupt gets onto the ap_list of a VCPU which it no longer goes to. That VCPU gives it up at its
next exit; if it has none, because the guest routed the interrupt away from a CPU that it then took
offline, every later event kicks the new target, which does not have it. No kernel had this bug: the
second look came with the first version of the function (4.7). It shows what the look is for.
"""

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.vgic.irq import VgicIrq

__all__ = ["EXHIBIT"]


class Trusting4_14(V4_14):
    """Era v4.14."""

    def still_moves(self, v: int, irq: VgicIrq, target: int) -> bool:
        """Trust the first look."""
        return True


class Trusting7_2(V7_2):
    """Era v7.2."""

    def still_moves(self, v: int, irq: VgicIrq, target: int) -> bool:
        """Trust the first look."""
        return True


EXHIBIT = Exhibit(
    id="prune-recheck",
    title="prune does not look again after it dropped the locks",
    source="Linux vgic_prune_ap_list (not historical)",
    symptom="an interrupt is on the ap_list of a VCPU it does not go to; if that is offline: lost",
    eras={"v4.14": Trusting4_14, "v7.2": Trusting7_2},
)
