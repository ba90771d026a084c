"""Facts about KVM's emulated GIC: ap_lists, overflow, the distributor's registers, the whole VM."""

from typing import ClassVar

from model.facts.base import Fact

__all__ = [
    "Bypassed",
    "CounterMoved",
    "DistRead",
    "Emulated",
    "GuestDist",
    "GuestEnable",
    "GuestLpis",
    "Halting",
    "HcrWritten",
    "PriorityWritten",
    "Queued",
    "Rechecked",
    "RegisterRead",
    "RegisterWritten",
    "Resumed",
    "Retargeted",
    "SgiSent",
    "Stopping",
    "Trapped",
    "Unqueued",
    "VmReset",
    "VmRestored",
    "VmSaved",
]


class HcrWritten(Fact, frozen=True, gc=False):
    """KVM wrote ICH_HCR_EL2 (GICH_HCR) of ``pcpu``; ``value`` has EOIcount, too."""

    KIND: ClassVar[str] = "hcr"
    pcpu: int
    value: int


class Queued(Fact, frozen=True, gc=False):
    """``vintid`` was put at the end of the ap_list of ``vcpu``."""

    KIND: ClassVar[str] = "queue"
    vcpu: int
    vintid: int


class Unqueued(Fact, frozen=True, gc=False):
    """``vintid`` was taken off the ap_list of ``vcpu``."""

    KIND: ClassVar[str] = "unqueue"
    vcpu: int
    vintid: int


class Rechecked(Fact, frozen=True, gc=False):
    """KVM, for ``vcpu``, looked again behind a window, and found that something had happened.

    ``window`` is its id in ``model.rules.windows``.
    """

    KIND: ClassVar[str] = "recheck"
    vcpu: int
    window: str


class Trapped(Fact, frozen=True, gc=False):
    """The guest's write to DIR for ``vintid`` trapped to KVM (ICH_HCR_EL2.TDIR)."""

    KIND: ClassVar[str] = "dir-trap"
    vcpu: int
    vintid: int


class Emulated(Fact, frozen=True, gc=False):
    """KVM deactivates ``vintid`` of ``vcpu``'s ap_list, outside any List Register, for a guest.

    ``cause`` is "eoicount" or "dir"; ``intid`` the physical interrupt that KVM deactivates with it
    on ``pcpu`` (-1: none).
    """

    KIND: ClassVar[str] = "emulated-deactivation"
    vcpu: int
    pcpu: int
    vintid: int
    intid: int
    cause: str


class SgiSent(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` sent SGI ``vintid`` to ``target``."""

    KIND: ClassVar[str] = "guest-sgi"
    vcpu: int
    target: int
    vintid: int


class GuestDist(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` began an access to the enable bit of GICD_CTLR.

    ``value`` is what it writes, 1 or 0; -1 is a read. It has taken effect when that guest goes on.
    """

    KIND: ClassVar[str] = "guest-dist"
    vcpu: int
    value: int


class DistRead(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` read GICD_CTLR's enable as ``value``."""

    KIND: ClassVar[str] = "dist-read"
    vcpu: int
    value: int


class GuestLpis(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` began to write GICR_CTLR.EnableLPIs of ``owner``'s redistributor.

    It has taken effect when that guest goes on.
    """

    KIND: ClassVar[str] = "guest-lpis"
    vcpu: int
    owner: int
    enabled: bool


class GuestEnable(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` wrote the enable bit of ``vintid``; ``owner`` is whose it is, or -1.

    It counts from the guest's write on; KVM acts on it in :class:`RegisterWritten`.
    """

    KIND: ClassVar[str] = "guest-enable"
    vcpu: int
    owner: int
    vintid: int
    enabled: bool


class RegisterWritten(Fact, frozen=True, gc=False):
    """KVM carried out a write of ``vcpu`` to a register of the emulated distributor.

    ``register`` is "isenabler", "icenabler", "ispendr", "icpendr", "isactiver", "icactiver" or
    "igroupr"; with "reset" it was the VM monitor, and all of them. ``owner`` is the VCPU whose
    interrupt it is or, of an SPI, on whose ap_list it is or should be.
    """

    KIND: ClassVar[str] = "gicd-write"
    vcpu: int
    vintid: int
    register: str
    owner: int


class PriorityWritten(Fact, frozen=True, gc=False):
    """KVM carried out a write of ``vcpu`` to IPRIORITYR of ``owner`` (-1: it is an SPI)."""

    KIND: ClassVar[str] = "gicd-priority"
    vcpu: int
    owner: int
    vintid: int
    priority: int


class RegisterRead(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` read a register of the distributor for ``vintid``, and got ``value``.

    ``register`` is "isenabler", "ispendr" or "isactiver" (1 or 0), "ipriorityr" (a priority) or
    "irouter" (a VCPU); ``owner`` whose interrupt it is, or -1.
    """

    KIND: ClassVar[str] = "gicd-read"
    vcpu: int
    owner: int
    vintid: int
    register: str
    value: int


class Retargeted(Fact, frozen=True, gc=False):
    """SPI ``vintid`` goes to VCPU ``target`` from here on (ITARGETSR, IROUTER)."""

    KIND: ClassVar[str] = "retarget"
    vcpu: int
    vintid: int
    target: int


class Halting(Fact, frozen=True, gc=False):
    """``vcpu`` asks all VCPUs to leave their guests (``halted`` false), or they all have (true)."""

    KIND: ClassVar[str] = "halt-guests"
    vcpu: int
    halted: bool


class Resumed(Fact, frozen=True, gc=False):
    """``vcpu``, which had halted the guests, lets ``resumed`` go on."""

    KIND: ClassVar[str] = "resume-guests"
    vcpu: int
    resumed: int


class Bypassed(Fact, frozen=True, gc=False):
    """Irq bypass keeps ``vcpu`` out of its guest (``halted``), or lets it go on."""

    KIND: ClassVar[str] = "bypass-halt"
    vcpu: int
    halted: bool


class Stopping(Fact, frozen=True, gc=False):
    """The VM monitor signals ``vcpu`` to go to user space, or (``stop`` false) lets it go on."""

    KIND: ClassVar[str] = "vm-stop"
    vcpu: int
    stop: bool


class VmReset(Fact, frozen=True, gc=False):
    """The VM monitor reset ``vcpu``: its guest starts anew, with its interrupts and timer off."""

    KIND: ClassVar[str] = "vm-reset"
    vcpu: int


class VmSaved(Fact, frozen=True, gc=False):
    """The VM monitor read a part of ``vcpu``'s state: ``part`` is "vgic" or "timer".

    For the vgic: what it read of the timer's interrupt; for the timer: ``level`` says that it
    fires, and ``active`` nothing.
    """

    KIND: ClassVar[str] = "vm-save"
    vcpu: int
    part: str
    level: bool
    active: bool


class CounterMoved(Fact, frozen=True, gc=False):
    """User space moved the virtual counter of ``vcpu``: CNTVOFF rose by ``shift``, in ns.

    What its guest had programmed in its own count is due that much later.
    """

    KIND: ClassVar[str] = "counter-moved"
    vcpu: int
    shift: int


class VmRestored(Fact, frozen=True, gc=False):
    """The VM monitor wrote that part back into a fresh VM."""

    KIND: ClassVar[str] = "vm-restore"
    vcpu: int
    part: str
