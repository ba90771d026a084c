"""State of a variant's own: what a kernel with a change in it remembers and KVM does not.

A field added to struct vgic_dist, to struct kvm_vcpu or to struct vgic_irq. It is part of the
machine like all other state, so that it is in the key, in the footprints, and as it was at first
when an execution begins.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from model.part import Part

__all__ = ["OwnState"]

Fields = Mapping[str, object]
IMMUTABLE = (bool, int, str, tuple, msgspec.Struct, type(None))


class OwnState(msgspec.Struct, frozen=True):
    """Fields and their initial values: of the VM, of each VCPU, of each virtual interrupt.

    Raises:
        ValueError: a name is no identifier, or one that parts use.
        TypeError: a value is not one of those that a part may hold.

    """

    vm: Fields = {}
    vcpu: Fields = {}
    irq: Fields = {}

    def __post_init__(self) -> None:
        for kind, fields in (("vm", self.vm), ("vcpu", self.vcpu), ("irq", self.irq)):
            for name, value in fields.items():
                if not name.isidentifier() or name.startswith("_") or hasattr(Part, name):
                    raise ValueError(f"{kind}_state: {name!r} cannot be the name of a field")
                if not isinstance(value, IMMUTABLE):
                    raise TypeError(
                        f"{kind}_state: {name!r} is a {type(value).__name__}, expected a value "
                        "that never changes (int, bool, str, tuple, None or a frozen struct)"
                    )

    def __bool__(self) -> bool:
        return bool(self.vm or self.vcpu or self.irq)


def part_of(name: str, fields: Fields) -> type[Part]:
    """Return the class of parts with these fields; most machines have none, and make no class."""
    if not fields:
        return Part

    def start(self: Any) -> None:
        Part.__init__(self)
        for field, value in fields.items():
            setattr(self, field, value)

    names = tuple(fields)
    return type(name, (Part,), {"FIELDS": names, "__slots__": names, "__init__": start})
