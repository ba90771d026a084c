"""Facts about the guest as it sees itself."""

from typing import ClassVar

from model.facts.base import Fact

__all__ = [
    "GuestAccess",
    "GuestControl",
    "GuestMask",
    "GuestRead",
    "GuestTimer",
    "GuestWfi",
    "Halted",
    "NeverAcknowledges",
    "ReadTrapped",
]


class GuestTimer(Fact, frozen=True, gc=False):
    """The guest programmed its timer ``timer`` (VTIMER, PTIMER of ``model.identity``).

    ``cval`` is in the guest's own count, in nanoseconds; ``deadline`` the same moment in virtual
    time. The virtual timer is written by the guest itself; what it writes to the physical one
    traps, and counts from when KVM has carried it out.
    """

    KIND: ClassVar[str] = "guest-timer"
    vcpu: int
    timer: int
    cval: int
    ctl: int
    deadline: int


class GuestMask(Fact, frozen=True, gc=False):
    """What the guest lets through changed: PSTATE.I, PMR, or the enable bit of its timer PPI."""

    KIND: ClassVar[str] = "guest-mask"
    vcpu: int
    irqs_masked: bool
    pmr: int
    enabled: bool


class GuestControl(Fact, frozen=True, gc=False):
    """The guest wrote its CPU interface: ``group``: its group is enabled; ``bpr``: binary point."""

    KIND: ClassVar[str] = "guest-control"
    vcpu: int
    group: bool
    bpr: int


class GuestRead(Fact, frozen=True, gc=False):
    """The guest read a register of its CPU interface or of a timer (``model.guest.REGISTERS``).

    ``value`` is what it got: of a timer in ns, of HPPIR a vINTID (without a source), else bits.
    """

    KIND: ClassVar[str] = "guest-read"
    vcpu: int
    register: str
    value: int


class NeverAcknowledges(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` took ``n`` interrupt exceptions in a row and read no IAR."""

    KIND: ClassVar[str] = "guest-storm"
    vcpu: int
    n: int


class ReadTrapped(Fact, frozen=True, gc=False):
    """The guest's read of a register of its physical timer trapped; :class:`GuestRead` follows."""

    KIND: ClassVar[str] = "guest-read-trap"
    vcpu: int
    register: str


class GuestWfi(Fact, frozen=True, gc=False):
    """The guest executed WFI; ``completed`` says that a pending virtual interrupt ended it."""

    KIND: ClassVar[str] = "guest-wfi"
    vcpu: int
    completed: bool


class GuestAccess(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` began an access that traps to the state of ``vintid`` at the GIC.

    ``register`` says which part of it: "pending" (ISPENDR, ICPENDR), "active" (ISACTIVER,
    ICACTIVER, and DIR), "target" (IROUTER, ITARGETSR), "priority" (IPRIORITYR), "group" (IGROUPR),
    or "enabled", which is only read. ``value`` is what is written: 1 or 0, a VCPU's number for
    "target", or a priority;
    -1 is a read. ``owner`` is whose interrupt it is, or -1. The access has taken effect when that
    guest goes on. Writes of the enable bit are :class:`GuestEnable`'s.
    """

    KIND: ClassVar[str] = "guest-access"
    vcpu: int
    owner: int
    vintid: int
    register: str
    value: int


class Halted(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` finished its program."""

    KIND: ClassVar[str] = "halted"
    vcpu: int
