"""57. The documented life cycle itself: KVM polls the physical active state to end an LR.

The seed says that the guest's EOI clears the physical active bit and leaves LR.Active set, and that
KVM clears the register on an exit once the active bit is clear. For the timer nobody can tell. But
a passthrough device's interrupt may be acknowledged by the host on another CPU between the guest's
deactivation and that exit: the bit goes 1-0-1, KVM takes the new activation for the old one, keeps
the register active, and the new interrupt is lost, although it was active whenever it had to be.
(4.14 does not look at the active state before it blocks a VCPU: there the VCPU spins on it.)
"""

from collections.abc import Callable

import msgspec

from harness.kvm.lazy import Lazy
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.seed import Seed
from model.facts import Fact
from model.machine import Config, Machine

__all__ = ["EXHIBIT"]


class DocumentedMachine(Machine):
    """A machine whose List Registers end as the seed document tells it."""

    def __init__(self, config: Config, emit: Callable[[Fact], None]) -> None:
        super().__init__(msgspec.structs.replace(config, lr_on_guest_deactivate="seed"), emit)


class LazyPolls(Lazy):
    """Era lazy on it."""

    machine_class = DocumentedMachine


class SeedPolls(Seed):
    """Era seed on it."""

    machine_class = DocumentedMachine


EXHIBIT = Exhibit(
    id="57",
    title="polling the physical active state to end a List Register, as the seed documents it",
    source="the seed document, Life Cycle; found with this model",
    symptom="a device's interrupt is lost although the central invariant holds",
    eras={"seed": SeedPolls, "lazy": LazyPolls},
)
