"""F2, found with this model: a trapped DIR looks, and deactivates, under two holds of irq_lock.

vgic_v3_deactivate finds an interrupt active, on an ap_list and in no List Register, drops irq_lock,
deactivates the physical interrupt, and takes the lock again to fold. In between the VCPU that has
the interrupt on its ap_list may flush: it enters with the interrupt active in a List Register, and
its next fold brings the active state back. The deactivation is lost, and the interrupt stuck. The
eras here hold the lock throughout.
"""

from harness.actors.context import Context
from harness.kvm.mmio import Mmio
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.vgic.irq import VgicIrq

__all__ = ["EXHIBIT"]


async def unlock_and_deactivate(kvm: Mmio, t: Context, irq: VgicIrq) -> None:
    """Drop the lock, then deactivate and fold."""
    await kvm.irq_unlock(t, irq)
    await kvm.deactivate_spilled(t, irq)


class SeedUnlocked(V4_14):
    """Era v4.14."""

    async def deactivate_looked_at(self, t: Context, irq: VgicIrq) -> None:
        """As upstream."""
        await unlock_and_deactivate(self, t, irq)


class LazyUnlocked(V7_2):
    """Era v7.2."""

    async def deactivate_looked_at(self, t: Context, irq: VgicIrq) -> None:
        """As upstream."""
        await unlock_and_deactivate(self, t, irq)


EXHIBIT = Exhibit(
    id="F2",
    title="KVM as shipped: a trapped DIR drops irq_lock between looking and deactivating",
    source="Linux vgic_v3_deactivate, vgic_v2_deactivate (2025); found with this model",
    symptom="the deactivation is undone by the owner's fold: stuck active",
    eras={"v4.14": SeedUnlocked, "v7.2": LazyUnlocked},
)
