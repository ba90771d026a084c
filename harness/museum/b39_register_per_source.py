"""39. An SGI of two senders is put in two List Registers (fixed by 16ca6a607d84, 2018).

With a GICv2 an SGI is pending once for each CPU that sent it, and the flush gave each its register:
two of them with the same virtual number, which the architecture leaves UNPREDICTABLE.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.vgic.irq import VgicIrq

__all__ = ["PATCH"]


class OnePerSource(Hooks):
    """The loop over the sources of vgic_flush_lr_state of then."""

    def put_in_lr(self, t: Context, irq: VgicIrq) -> None:
        """Go on until no source is left, or no register."""
        super().put_in_lr(t, irq)
        vgic = self.machine.vgics[t.v]
        while irq.source and vgic.used < len(vgic.lrs):
            super().put_in_lr(t, irq)


PATCH = Patch(
    id="39",
    title="an SGI of two senders is put in two List Registers",
    source="Linux 16ca6a607d84",
    symptom="two registers with the same number: the guest may lock up",
    hooks=OnePerSource,
)
