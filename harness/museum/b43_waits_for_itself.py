"""43-itself. A VCPU that writes its own interrupt's active state waits for itself (370a0ec18199).

It waits until the VCPU on whose ap_list the interrupt is has been put. That is the one that waits.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class WaitsForItself(Hooks):
    """The loop of vgic_mmio_change_active without a look at who it is."""

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """Wait for any VCPU that has it on its list, and a CPU."""
        return irq.vcpu < 0 or not self.machine.threads[irq.vcpu].loaded


PATCH = Patch(
    id="43-itself",
    title="a VCPU that changes the active state of its own interrupt waits for itself",
    source="Linux 370a0ec18199",
    symptom="a VCPU hangs in ISACTIVER or ICACTIVER",
    refused={"v7.2": "since abd7229626b9 the guests are halted, and there is no such loop"},
    hooks=WaitsForItself,
)
