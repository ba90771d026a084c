"""Which VCPUs a guest's SGI is for: ICC_SGI1R_EL1 of a GICv3, GICD_SGIR of a GICv2."""

from collections.abc import Iterable

from harness.trace.events import GuestSgir, IpiRaise, Migrate, VcpuKick, Wakeup, Waking

__all__ = ["WITHIN_SGI", "sgi1r_targets", "sgir_targets"]

WITHIN_SGI = frozenset({GuestSgir, VcpuKick, Waking, IpiRaise, Wakeup, Migrate})
"""What may come between the first and the last interrupt that an SGI register's write queues."""


def sgi1r_targets(value: int, v: int, vcpus: Iterable[int]) -> set[int]:
    """Return which of ``vcpus`` a write of VCPU ``v`` to ICC_SGI1R_EL1 sends to.

    KVM numbers affinities by VCPU id: four bits of it in Aff0, then eight in Aff1 and in Aff2.
    """
    if value >> 40 & 1:
        return {w for w in vcpus if w != v}
    aff = value >> 16 & 0xFF | (value >> 32 & 0xFF) << 8
    first = (value >> 44 & 0xF) << 4
    bits = [first + n for n in range(16) if value >> n & 1]
    return {w for w in vcpus if w >> 4 == aff and w & 0xF in bits}


def sgir_targets(value: int, v: int, vcpus: Iterable[int]) -> set[int]:
    """Return which of ``vcpus`` a write of VCPU ``v`` to GICD_SGIR sends to."""
    whom = value >> 24 & 3
    if whom == 0:
        return {w for w in vcpus if value >> 16 + w & 1 and w < 8}
    return {w for w in vcpus if (w != v) == (whom == 1)} if whom < 3 else set()
