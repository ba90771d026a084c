"""Facts about the guest as it sees itself."""

from typing import ClassVar

from model.facts.base import Fact

__all__ = ["GuestMask", "GuestPtimer", "GuestTimer", "GuestWfi", "Halted"]


class GuestTimer(Fact, frozen=True, gc=False):
    """The guest programmed its virtual timer; ``cval`` is in its own count, in nanoseconds.

    ``deadline`` is the same moment in virtual time.
    """

    KIND: ClassVar[str] = "guest-timer"
    vcpu: int
    cval: int
    ctl: int
    deadline: int


class GuestPtimer(Fact, frozen=True, gc=False):
    """KVM carried out what the guest wrote to its physical timer; ``cval`` is in virtual time."""

    KIND: ClassVar[str] = "guest-ptimer"
    vcpu: int
    cval: int
    ctl: int


class GuestMask(Fact, frozen=True, gc=False):
    """What the guest lets through changed: PSTATE.I, PMR, or the enable bit of its timer PPI."""

    KIND: ClassVar[str] = "guest-mask"
    vcpu: int
    irqs_masked: bool
    pmr: int
    enabled: bool


class GuestWfi(Fact, frozen=True, gc=False):
    """The guest executed WFI; ``completed`` says that a pending virtual interrupt ended it."""

    KIND: ClassVar[str] = "guest-wfi"
    vcpu: int
    completed: bool


class Halted(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` finished its program."""

    KIND: ClassVar[str] = "halted"
    vcpu: int
