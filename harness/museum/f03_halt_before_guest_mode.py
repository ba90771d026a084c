"""F3, found with this model: halting the guests misses a VCPU that has flushed and not entered yet.

kvm_arm_halt_guest sends no IPI to a VCPU that is not in guest mode, and so does not wait for one
between its flush and the announcement of guest mode. That VCPU finds the request and gives its
entry up, but folds what it had put into its List Registers: a write to ISACTIVER or ICACTIVER that
came in between is overwritten. The loop of 4.14 that waited until the VCPU was put is gone. Era
v7.2 here waits until the interrupt is in no List Register.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class Impatient(Hooks):
    """As shipped."""

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """Trust that halting was enough."""

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """And look no more."""
        return True


PATCH = Patch(
    id="F3",
    title="KVM as shipped: halting guests does not wait for a VCPU between flush and guest mode",
    source="Linux kvm_arm_halt_guest, vgic_mmio_change_active; found with this model",
    symptom="a write of an active state is overwritten: the interrupt is stuck active",
    hooks=Impatient,
    refused={
        "v4.14": "4.14 waits under irq_lock until the VCPU that may have the interrupt was put",
    },
    shipped=True,
)
