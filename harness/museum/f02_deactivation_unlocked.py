"""F2, found with this model: a trapped DIR looks, and deactivates, under two holds of irq_lock.

vgic_v3_deactivate finds an interrupt active, on an ap_list and in no List Register, drops irq_lock,
deactivates the physical interrupt, and takes the lock again to fold. In between the VCPU that has
the interrupt on its ap_list may flush: it enters with the interrupt active in a List Register, and
its next fold brings the active state back. The deactivation is lost, and the interrupt stuck. The
eras here hold the lock throughout.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Unlocked(Hooks):
    """As upstream."""

    async def deactivate_looked_at(self, t: Context, irq: VgicIrq) -> None:
        """Drop the lock, then deactivate and fold."""
        await self.irq_unlock(t, irq)
        await self.deactivate_spilled(t, irq)


PATCH = Patch(
    id="F2",
    title="KVM as shipped: a trapped DIR drops irq_lock between looking and deactivating",
    source="Linux vgic_v3_deactivate, vgic_v2_deactivate (2025); found with this model",
    symptom="the deactivation is undone by the owner's fold: stuck active",
    hooks=Unlocked,
    refused={"v4.14": "4.14 traps no DIR: what this mends came in 2025"},
    shipped=True,
)
