"""A machine that loses an IPI: a kick that never reaches a CPU in guest mode.

KVM makes a request, sees the VCPU in its guest, and sends its CPU an IPI; nobody looks whether it
arrives. The VCPU goes on until something else makes it exit, and what was asked is late; whoever
waits for an answer (to a call of another CPU, while the guests are being halted) waits for ever.
"""

from collections.abc import Callable

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.facts import Fact
from model.machine import Config, Machine

__all__ = ["PATCH"]


class LossyMachine(Machine):
    """A machine where an IPI may be lost."""

    def __init__(self, config: Config, emit: Callable[[Fact], None]) -> None:
        super().__init__(msgspec.structs.replace(config, ipis="lossy"), emit)


class OnLossyMachine(Hooks):
    """KVM on it."""

    machine_class = LossyMachine


PATCH = Patch(
    id="ipi-lost",
    title="hardware: an IPI between two CPUs of the host is lost",
    source="design: a broken machine; what KVM relies on in kvm_vcpu_kick",
    symptom="an interrupt is late until the guest exits for another reason, or a VCPU hangs",
    hooks=OnLossyMachine,
)
