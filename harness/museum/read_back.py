"""A write of an active state that is not read back races a guest's deactivation (464cb98f1c07).

KVM makes a physical interrupt active for a guest (vcpu_load, a guest's ISPENDR or ISACTIVER) by a
write to GICD_ISACTIVER or GICR_ISACTIVER0, which is posted. The guest may acknowledge and end the
interrupt before that write takes effect: its deactivation finds nothing active, and then the write
makes active what nobody will deactivate. Since November 2024 the driver of the GICv3 reads the
register back. The machine here posts such writes (knob ``posted_writes``).
"""

from collections.abc import Callable

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.facts import Fact
from model.machine import Config, Machine

__all__ = ["PATCH"]


class PostingMachine(Machine):
    """A machine where writes to the distributor take effect later."""

    def __init__(self, config: Config, emit: Callable[[Fact], None]) -> None:
        super().__init__(msgspec.structs.replace(config, posted_writes=True), emit)


class NotReadBack(Hooks):
    """The driver before that."""

    machine_class = PostingMachine

    def reads_back(self, active: bool) -> bool:
        """Go on while the write is under way."""
        return False


PATCH = Patch(
    id="read-back",
    title="a write of an active state that is posted, and not read back",
    source="Linux 464cb98f1c07, gic_irq_set_irqchip_state",
    symptom="the timer's or a device's interrupt is stuck active, and the next is lost",
    hooks=NotReadBack,
    refused={"v4.14": "it is 4.14's own: --knob posted_writes=1 shows it there"},
)
