"""57. The documented life cycle itself: KVM polls the physical active state to end an LR.

The document says that the guest's EOI clears the physical active bit and leaves LR.Active set, and
that KVM clears the register on an exit once the active bit is clear. For the timer nobody can tell.
But a passthrough device's interrupt may be acknowledged by the host on another CPU between the
guest's deactivation and that exit: the bit goes 1-0-1, KVM takes the new activation for the old
one, keeps the register active, and the new interrupt is lost, although it was active whenever it
had to be. (4.14 does not look at the active state before it blocks a VCPU: there the VCPU spins.)
"""

from collections.abc import Callable

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.facts import Fact
from model.machine import Config, Machine

__all__ = ["PATCH"]


class DocumentedMachine(Machine):
    """A machine whose List Registers end as the document tells it."""

    def __init__(self, config: Config, emit: Callable[[Fact], None]) -> None:
        super().__init__(msgspec.structs.replace(config, lr_on_guest_deactivate="polled"), emit)


class OnDocumentedMachine(Hooks):
    """KVM on it."""

    machine_class = DocumentedMachine


PATCH = Patch(
    id="57",
    title="polling the physical active state to end a List Register, as the document documents it",
    source="the document, Life Cycle; found with this model",
    symptom="a device's interrupt is lost although the central invariant holds",
    hooks=OnDocumentedMachine,
)
