"""Who and what facts speak of: actors, locks. Identities are values with fields, never text.

A rule, a lane of a chart or a reader of a log asks an identity for its fields; the short names
("v0", "vspi80") are for people and for schedules, and are never taken apart.
"""

from typing import Final

import msgspec

__all__ = [
    "AP_LIST", "BG_TIMER", "CONFIG", "IRQ", "PTIMER", "RANKS", "VTIMER", "Actor", "LockId",
]  # fmt: skip

PTIMER: Final = 0
VTIMER: Final = 1
"""The timers of a VCPU, numbered as Linux numbers them (``enum kvm_arch_timers``)."""
BG_TIMER: Final = -1
"""In facts about soft timers: the background timer, which stands in for all of a sleeper's."""

CONFIG, AP_LIST, IRQ = "config", "ap_list", "irq"
RANKS: Final = {CONFIG: 5, AP_LIST: 10, IRQ: 20}
"""Kinds of locks, and the order in which they nest (Linux vgic.c, the comment on locking)."""


WORDS: Final = {
    "vcpu": "the thread",
    "host-irq": "the IRQ handler",
    "soft-timer": "the background timer",
    "user-space": "the VM monitor",
    "line": "the timer line",
    "ptimer-line": "the physical timer's line",
    "pin": "the IRQ pin",
    "edge": "the edges",
    "event": "the events",
    "passthrough": "the driver's side",
    "software": "the VM monitor's thread",
    "maintenance": "the maintenance interrupt",
    "writes": "the posted writes",
    "ipis": "the IPIs",
}
"""Kinds of actors, as a reader calls them."""


class Actor(msgspec.Struct, frozen=True, order=True, cache_hash=True, gc=False):
    """Who makes a step: its ``kind``, and what it belongs to (-1: to no pCPU, VCPU or device).

    ``kind`` is "vcpu" (the thread of ``vcpu``), "host-irq" (of ``pcpu``), "soft-timer" (timer ``n``
    of ``vcpu``, BG_TIMER or a timer's number), "worker" (the work item of ``vcpu``'s background
    timer), "line", "ptimer-line", "deactivations", "writes", "ipis", "pin" and "maintenance"
    (channels of the GIC of ``pcpu``), "ipi-loss" (what a broken one loses), "edge" and "event"
    (those of host device and passthrough device ``n``), "device" and "passthrough" (device ``n``),
    "software" (the VM monitor's thread of device ``n``), "clock", "host-scheduler", "user-space",
    "irq-bypass", or "engine".
    """

    kind: str
    pcpu: int = -1
    vcpu: int = -1
    n: int = -1

    def __str__(self) -> str:
        if self.kind == "soft-timer" and self.n != BG_TIMER:
            return f"the soft timer {self.n} of VCPU {self.vcpu}"
        what = WORDS.get(self.kind, f"the {self.kind.replace('-', ' ')}")
        of = (("CPU", self.pcpu), ("VCPU", self.vcpu), ("device", self.n))
        return " of ".join([what, *(f"{word} {n}" for word, n in of if n >= 0)])


class LockId(msgspec.Struct, frozen=True, order=True, cache_hash=True, gc=False):
    """A lock: ``config`` (the VM's mutex), ``ap_list`` of ``vcpu``, or ``irq`` of an interrupt.

    ``vcpu`` is -1 for what the VM has once; ``intid`` is the vINTID of an interrupt, else -1.
    """

    kind: str
    vcpu: int = -1
    intid: int = -1

    @property
    def rank(self) -> int:
        """Where the lock stands in the order of nesting, low first."""
        return RANKS[self.kind]

    def __str__(self) -> str:
        if self.kind == IRQ:
            whose = "" if self.vcpu < 0 else f" of VCPU {self.vcpu}"
            return f"irq_lock of vINTID {self.intid}{whose}"
        return "config_lock" if self.kind == CONFIG else f"ap_list_lock of VCPU {self.vcpu}"
