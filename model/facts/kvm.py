"""Facts about KVM: its timer, its vgic, its requests."""

from typing import ClassVar

from model.facts.base import Fact

__all__ = [
    "Armed",
    "Blocked",
    "Cancelled",
    "Expired",
    "Folded",
    "Injected",
    "KeptAsleep",
    "Kicked",
    "PhysActiveWritten",
    "Requested",
    "RequestsChecked",
    "Resampled",
    "SoftwareChanged",
    "Ticked",
    "TimerRead",
    "TimerRestored",
    "TimerSaved",
    "Unblocked",
    "Woken",
]


class TimerRead(Fact, frozen=True, gc=False):
    """KVM computed whether a timer of ``vcpu`` fires, from ``source``: "memory" or "live"."""

    KIND: ClassVar[str] = "timer-read"
    vcpu: int
    timer: int
    source: str
    level: bool


class TimerSaved(Fact, frozen=True, gc=False):
    """KVM stored the timer of ``vcpu`` to memory; ``left`` is what it left in CTL of ``pcpu``."""

    KIND: ClassVar[str] = "timer-save"
    vcpu: int
    timer: int
    pcpu: int
    ctl: int
    cval: int
    left: int


class TimerRestored(Fact, frozen=True, gc=False):
    """KVM programmed the hardware timer of ``pcpu`` with the values of ``vcpu``."""

    KIND: ClassVar[str] = "timer-restore"
    vcpu: int
    timer: int
    pcpu: int
    ctl: int
    cval: int


class PhysActiveWritten(Fact, frozen=True, gc=False):
    """KVM wrote the physical active state of ``intid`` on ``pcpu`` for ``vcpu``, changed or not."""

    KIND: ClassVar[str] = "phys-active"
    vcpu: int
    pcpu: int
    intid: int
    value: bool


class Ticked(Fact, frozen=True, gc=False):
    """Virtual time moved to ``now``."""

    KIND: ClassVar[str] = "tick"
    now: int


class Armed(Fact, frozen=True, gc=False):
    """A soft timer of ``vcpu`` was armed for ``expiry`` (virtual ns) on ``pcpu``.

    ``timer`` says what it stands for: BG_TIMER for all of a sleeper's timers (bg_timer), else the
    timer that it emulates.
    """

    KIND: ClassVar[str] = "soft-armed"
    vcpu: int
    timer: int
    pcpu: int
    expiry: int


class Cancelled(Fact, frozen=True, gc=False):
    """A soft timer of ``vcpu`` was cancelled.

    ``armed``: it was still armed; ``callback``: it runs all the same.
    """

    KIND: ClassVar[str] = "soft-cancelled"
    vcpu: int
    timer: int
    armed: bool
    callback: bool = False


class Expired(Fact, frozen=True, gc=False):
    """A soft timer of ``vcpu`` fired on ``pcpu``; ``early`` if it had to be started again."""

    KIND: ClassVar[str] = "soft-fired"
    vcpu: int
    timer: int
    pcpu: int
    early: bool


class Injected(Fact, frozen=True, gc=False):
    """``kvm_vgic_inject_irq``: level or edge given to the software state of ``vintid``.

    ``accepted`` is false when the level had not changed; ``pcpu`` is where the code ran, -1:
    in a thread of the VM monitor's.
    """

    KIND: ClassVar[str] = "inject"
    pcpu: int
    vcpu: int
    vintid: int
    level: bool
    accepted: bool


class Folded(Fact, frozen=True, gc=False):
    """An LR was folded back; ``state`` is the LR's, the rest the software state after it."""

    KIND: ClassVar[str] = "fold"
    vcpu: int
    vintid: int
    state: int
    active: bool
    line_level: bool
    pending_latch: bool


class SoftwareChanged(Fact, frozen=True, gc=False):
    """Under its lock the software state of ``vintid`` became another, and no other fact said so.

    ``vcpu`` is the one whose ap_list it is on, or should be.
    """

    KIND: ClassVar[str] = "software-state"
    vcpu: int
    vintid: int
    enabled: bool
    active: bool
    line_level: bool
    pending_latch: bool


class Resampled(Fact, frozen=True, gc=False):
    """KVM read the line of a mapped interrupt again and took ``level`` as its software level."""

    KIND: ClassVar[str] = "resample"
    vcpu: int
    vintid: int
    level: bool


class Requested(Fact, frozen=True, gc=False):
    """A request bit was set for ``vcpu``."""

    KIND: ClassVar[str] = "request"
    vcpu: int


class RequestsChecked(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` looked at its requests; ``seen`` says whether one was set."""

    KIND: ClassVar[str] = "request-check"
    vcpu: int
    seen: bool


class Kicked(Fact, frozen=True, gc=False):
    """``vcpu`` was kicked from ``pcpu``; ``ipi``: an inter-processor interrupt is sent for it.

    ``pcpu`` is -1 where it was a thread of the VM monitor's.
    """

    KIND: ClassVar[str] = "kick"
    pcpu: int
    vcpu: int
    ipi: bool


class Blocked(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` sleeps on its waitqueue."""

    KIND: ClassVar[str] = "block"
    vcpu: int


class KeptAsleep(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` sleeps as it must not run its guest: paused, or powered off."""

    KIND: ClassVar[str] = "kept-asleep"
    vcpu: int


class Woken(Fact, frozen=True, gc=False):
    """Somebody set the sleeping (or about to sleep) thread of ``vcpu`` running."""

    KIND: ClassVar[str] = "wake"
    vcpu: int


class Unblocked(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` left its blocking loop."""

    KIND: ClassVar[str] = "unblock"
    vcpu: int
