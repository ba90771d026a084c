"""Facts about the host: world switch, interrupts, scheduling, locks."""

from typing import ClassVar

from model.facts.base import Fact
from model.identity import Actor, LockId

__all__ = [
    "DeviceRaised",
    "DeviceServed",
    "DeviceSignalled",
    "DeviceStillHigh",
    "Entered",
    "EoiNotified",
    "Exited",
    "GotNowhere",
    "HostMasked",
    "InterruptTaken",
    "IsrBegan",
    "IsrEnded",
    "Loaded",
    "LockNotHeld",
    "LockReleased",
    "LockTaken",
    "NeedResched",
    "Placed",
    "Put",
    "UserEntered",
    "UserLeft",
]


class Entered(Fact, frozen=True, gc=False):
    """``vcpu`` entered its guest on ``pcpu``; from here until :class:`Exited` the guest runs."""

    KIND: ClassVar[str] = "entry"
    vcpu: int
    pcpu: int


class Exited(Fact, frozen=True, gc=False):
    """``vcpu`` left its guest. ``instructions`` counts what the guest executed in this stay.

    ``reason`` is "irq", "wfi", "mmio", "sgi", "dir", "timer" (a trapped access), "device" (of the
    VM monitor's), "user" (another access that goes there), "psci" or "halt".
    """

    KIND: ClassVar[str] = "exit"
    vcpu: int
    pcpu: int
    reason: str
    instructions: int


class Loaded(Fact, frozen=True, gc=False):
    """vcpu_load ended: ``vcpu`` owns the timer and the virtual interface of ``pcpu``."""

    KIND: ClassVar[str] = "load"
    vcpu: int
    pcpu: int


class Put(Fact, frozen=True, gc=False):
    """vcpu_put ended: nothing of ``vcpu`` is left on ``pcpu``."""

    KIND: ClassVar[str] = "put"
    vcpu: int
    pcpu: int


class UserLeft(Fact, frozen=True, gc=False):
    """The VCPU thread returned to user space."""

    KIND: ClassVar[str] = "user-exit"
    vcpu: int


class UserEntered(Fact, frozen=True, gc=False):
    """The VCPU thread came back from user space by KVM_RUN."""

    KIND: ClassVar[str] = "user-entry"
    vcpu: int


class InterruptTaken(Fact, frozen=True, gc=False):
    """``pcpu`` took an interrupt exception; ``source`` is "irq" (GIC) or "hrtimer"."""

    KIND: ClassVar[str] = "irq-taken"
    pcpu: int
    source: str


class IsrBegan(Fact, frozen=True, gc=False):
    """The host's handler of ``intid`` began on ``pcpu``."""

    KIND: ClassVar[str] = "isr-begin"
    pcpu: int
    intid: int


class IsrEnded(Fact, frozen=True, gc=False):
    """The host's handler of ``intid`` ended; ``line`` is what it read of the device (or None)."""

    KIND: ClassVar[str] = "isr-end"
    pcpu: int
    intid: int
    line: bool | None


class DeviceRaised(Fact, frozen=True, gc=False):
    """A device had an event: its line rose, or it sent an edge. ``intid`` is -1 for software's."""

    KIND: ClassVar[str] = "device-event"
    vcpu: int
    intid: int
    vintid: int


class DeviceServed(Fact, frozen=True, gc=False):
    """The guest's driver served a device; ``work`` says that there was any to do."""

    KIND: ClassVar[str] = "device-served"
    vcpu: int
    intid: int
    vintid: int
    work: bool


class GotNowhere(Fact, frozen=True, gc=False):
    """Nothing comes to rest, and ``vcpu``, which has ``pcpu``, did not enter its guest.

    It was so for ``n`` steps, in which everyone who could go went in turn.
    """

    KIND: ClassVar[str] = "got-nowhere"
    vcpu: int
    pcpu: int
    n: int


class DeviceSignalled(Fact, frozen=True, gc=False):
    """The VM monitor's call that signals ``vintid`` for its device has returned.

    ``again``: it was told of an end meanwhile, and looks at its device once more.
    """

    KIND: ClassVar[str] = "device-signalled"
    vcpu: int
    vintid: int
    again: bool


class DeviceStillHigh(Fact, frozen=True, gc=False):
    """The VM monitor, told of an end, finds its device's line high, and signals again."""

    KIND: ClassVar[str] = "device-still-high"
    vcpu: int
    vintid: int


class EoiNotified(Fact, frozen=True, gc=False):
    """The VM monitor is told by a resamplefd that the guest has ended ``vintid``."""

    KIND: ClassVar[str] = "eoi-notified"
    vcpu: int
    vintid: int


class HostMasked(Fact, frozen=True, gc=False):
    """The host disabled (``masked``) or enabled ``intid`` at the distributor."""

    KIND: ClassVar[str] = "host-mask"
    intid: int
    masked: bool


class NeedResched(Fact, frozen=True, gc=False):
    """The host scheduler asked ``pcpu`` to reschedule, or only placed ``vcpu`` elsewhere."""

    KIND: ClassVar[str] = "preempt"
    vcpu: int
    pcpu: int
    target: int


class Placed(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` got ``pcpu``; ``before`` is the CPU it ran on last, or -1."""

    KIND: ClassVar[str] = "placed"
    vcpu: int
    before: int
    pcpu: int


class LockTaken(Fact, frozen=True, gc=False):
    """``actor`` took ``lock``: what the lock itself sees.

    ``irqs_off`` is the mask of the CPU where it was taken; ``in_irq`` says that a host IRQ handler
    took it.
    """

    KIND: ClassVar[str] = "lock"
    actor: Actor
    lock: LockId
    irqs_off: bool
    in_irq: bool


class LockReleased(Fact, frozen=True, gc=False):
    """``lock`` was given back by ``actor``."""

    KIND: ClassVar[str] = "unlock"
    actor: Actor
    lock: LockId


class LockNotHeld(Fact, frozen=True, gc=False):
    """``actor`` was about to do ``what``, which needs ``lock``, and does not hold it.

    Where the kernel has lockdep_assert_held; also a release by whoever does not hold the lock, and
    taking it while it is held, without waiting.
    """

    KIND: ClassVar[str] = "lock-missing"
    actor: Actor
    lock: LockId
    what: str
