"""The typed facts that rules read: the seam between what happened and what must hold.

The running model, a stored log and a kernel trace are three producers of these same facts, so each
rule is written once. A fact says what changed, never who looks at it. ``cpu`` is a physical CPU,
``vcpu`` a virtual one, ``intid`` a physical interrupt number and ``vintid`` a virtual one; time
comes with the event that carries the fact, in virtual nanoseconds.
"""

from typing import ClassVar

import msgspec

from model.gic.lr import Lr

__all__ = [
    "AckedByGuest", "AckedByHost", "ActiveChanged", "Armed", "Blocked", "Cancelled",
    "Completed", "DeactivatedByGuest", "DeactivationArrived", "DeactivationSent", "Entered",
    "Exited", "Expired", "Fact", "Folded", "GuestMask", "GuestTimer", "GuestWfi", "Halted", "Injected", "InterruptTaken", "IsrBegan", "IsrEnded", "Kicked", "LineChanged", "Loaded",
    "LockReleased", "LockTaken", "LrMoved", "LrWritten", "NeedResched", "PendingChanged", "PhysActiveWritten", "Placed",
    "PriorityDropped", "Put", "Requested", "RequestsChecked", "Resampled", "Signalled", "Ticked", "TimerRead",
    "TimerRestored", "TimerSaved", "Unblocked", "UserEntered", "UserLeft", "Woken", "KINDS",
]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Base of all facts. ``KIND`` is the stable name of the fact in logs and in ``Rule.needs``."""

    KIND: ClassVar[str] = "fact"


# -- the physical GIC --------------------------------------------------------------------------


class LineChanged(Fact, frozen=True, gc=False):
    """The distributor's view of a level input changed. ``cpu`` is -1 for an SPI."""

    KIND: ClassVar[str] = "line"
    cpu: int
    intid: int
    level: bool


class PendingChanged(Fact, frozen=True, gc=False):
    """The pending latch of an interrupt changed (edge, ISPENDR, ICPENDR, acknowledge)."""

    KIND: ClassVar[str] = "pending"
    cpu: int
    intid: int
    after: bool


class ActiveChanged(Fact, frozen=True, gc=False):
    """The active bit at the distributor changed.

    ``cause`` is "ack" (IAR), "deactivate" (EOIR, DIR or a guest's deactivation through an LR) or
    "write" (ISACTIVER, ICACTIVER). ``cpu`` is -1 for an SPI.
    """

    KIND: ClassVar[str] = "active"
    cpu: int
    intid: int
    after: bool
    cause: str


class AckedByHost(Fact, frozen=True, gc=False):
    """The host read IAR on ``cpu``; ``intid`` is 1023 when nothing was pending any more."""

    KIND: ClassVar[str] = "host-ack"
    cpu: int
    intid: int


class PriorityDropped(Fact, frozen=True, gc=False):
    """The host wrote EOIR on ``cpu``; ``running`` is the running priority after it (0xFF: idle)."""

    KIND: ClassVar[str] = "priority-drop"
    cpu: int
    intid: int
    running: int


class Signalled(Fact, frozen=True, gc=False):
    """The IRQ input of ``cpu``, as that CPU sees it, rose or fell."""

    KIND: ClassVar[str] = "signal"
    cpu: int
    level: bool


class DeactivationSent(Fact, frozen=True, gc=False):
    """A guest's deactivation through a HW List Register left for the distributor."""

    KIND: ClassVar[str] = "deactivation-sent"
    cpu: int
    intid: int


class DeactivationArrived(Fact, frozen=True, gc=False):
    """That deactivation took effect at the distributor. ``was_active`` is the bit before it."""

    KIND: ClassVar[str] = "deactivation-arrived"
    cpu: int
    intid: int
    was_active: bool


# -- the virtual interface ---------------------------------------------------------------------


class LrWritten(Fact, frozen=True, gc=False):
    """KVM wrote hardware List Register ``index`` of ``cpu``."""

    KIND: ClassVar[str] = "lr-written"
    cpu: int
    index: int
    before: Lr
    after: Lr


class LrMoved(Fact, frozen=True, gc=False):
    """A guest access moved the state of a List Register; ``access`` is "iar", "eoir" or "dir"."""

    KIND: ClassVar[str] = "lr-moved"
    cpu: int
    index: int
    access: str
    before: Lr
    after: Lr


class AckedByGuest(Fact, frozen=True, gc=False):
    """The guest on ``cpu`` read IAR and got ``vintid`` (1023: nothing to take)."""

    KIND: ClassVar[str] = "guest-ack"
    cpu: int
    vintid: int


class Completed(Fact, frozen=True, gc=False):
    """The guest on ``cpu`` wrote EOIR for ``vintid``."""

    KIND: ClassVar[str] = "guest-eoi"
    cpu: int
    vintid: int


class DeactivatedByGuest(Fact, frozen=True, gc=False):
    """The guest deactivated ``vintid`` (EOIR in EOImode 0, DIR in EOImode 1)."""

    KIND: ClassVar[str] = "guest-deactivate"
    cpu: int
    vintid: int


# -- the guest's own view ----------------------------------------------------------------------


class GuestTimer(Fact, frozen=True, gc=False):
    """The guest programmed its virtual timer; ``cval`` is in its own count, in nanoseconds.

    ``deadline`` is the same moment in virtual time.
    """

    KIND: ClassVar[str] = "guest-timer"
    vcpu: int
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


class GuestWfi(Fact, frozen=True, gc=False):
    """The guest executed WFI; ``completed`` says that a pending virtual interrupt ended it."""

    KIND: ClassVar[str] = "guest-wfi"
    vcpu: int
    completed: bool


class Halted(Fact, frozen=True, gc=False):
    """The guest of ``vcpu`` finished its program."""

    KIND: ClassVar[str] = "halted"
    vcpu: int


# -- world switch ------------------------------------------------------------------------------


class Entered(Fact, frozen=True, gc=False):
    """``vcpu`` entered its guest on ``cpu``; from here until :class:`Exited` the guest runs."""

    KIND: ClassVar[str] = "entry"
    vcpu: int
    cpu: int


class Exited(Fact, frozen=True, gc=False):
    """``vcpu`` left its guest. ``instructions`` counts what the guest executed in this stay.

    ``reason`` is "irq", "wfi", "mmio", "user" or "halt".
    """

    KIND: ClassVar[str] = "exit"
    vcpu: int
    cpu: int
    reason: str
    instructions: int


class Loaded(Fact, frozen=True, gc=False):
    """vcpu_load ended: ``vcpu`` owns the timer and the virtual interface of ``cpu``."""

    KIND: ClassVar[str] = "load"
    vcpu: int
    cpu: int


class Put(Fact, frozen=True, gc=False):
    """vcpu_put ended: nothing of ``vcpu`` is left on ``cpu``."""

    KIND: ClassVar[str] = "put"
    vcpu: int
    cpu: int


class UserLeft(Fact, frozen=True, gc=False):
    """The VCPU thread returned to user space."""

    KIND: ClassVar[str] = "user-exit"
    vcpu: int


class UserEntered(Fact, frozen=True, gc=False):
    """The VCPU thread came back from user space by KVM_RUN."""

    KIND: ClassVar[str] = "user-entry"
    vcpu: int


# -- the host ----------------------------------------------------------------------------------


class InterruptTaken(Fact, frozen=True, gc=False):
    """``cpu`` took an interrupt exception; ``source`` is "irq" (GIC) or "hrtimer"."""

    KIND: ClassVar[str] = "irq-taken"
    cpu: int
    source: str


class IsrBegan(Fact, frozen=True, gc=False):
    """The host's handler of ``intid`` began on ``cpu``."""

    KIND: ClassVar[str] = "isr-begin"
    cpu: int
    intid: int


class IsrEnded(Fact, frozen=True, gc=False):
    """The host's handler of ``intid`` ended; ``line`` is what it read of the device (or None)."""

    KIND: ClassVar[str] = "isr-end"
    cpu: int
    intid: int
    line: bool | None


class NeedResched(Fact, frozen=True, gc=False):
    """The host scheduler asked ``cpu`` to reschedule, or only placed ``vcpu`` elsewhere."""

    KIND: ClassVar[str] = "preempt"
    vcpu: int
    cpu: int
    target: int


class Placed(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` got ``cpu``; ``before`` is the CPU it ran on last, or -1."""

    KIND: ClassVar[str] = "placed"
    vcpu: int
    before: int
    cpu: int


class LockTaken(Fact, frozen=True, gc=False):
    """``context`` took lock ``lock`` of class ``rank`` (low first).

    ``irqs_off`` is the CPU's mask; ``in_irq`` says that a host IRQ handler took it.
    """

    KIND: ClassVar[str] = "lock"
    context: str
    lock: str
    rank: int
    irqs_off: bool
    in_irq: bool


class LockReleased(Fact, frozen=True, gc=False):
    """``context`` gave lock ``lock`` back."""

    KIND: ClassVar[str] = "unlock"
    context: str
    lock: str


# -- KVM: timer --------------------------------------------------------------------------------


class TimerRead(Fact, frozen=True, gc=False):
    """KVM computed whether the timer of ``vcpu`` fires, from ``source``: "memory" or "live"."""

    KIND: ClassVar[str] = "timer-read"
    vcpu: int
    source: str
    level: bool


class TimerSaved(Fact, frozen=True, gc=False):
    """KVM stored the timer of ``vcpu`` to memory; ``left`` is what it left in CTL of ``cpu``."""

    KIND: ClassVar[str] = "timer-save"
    vcpu: int
    cpu: int
    ctl: int
    cval: int
    left: int


class TimerRestored(Fact, frozen=True, gc=False):
    """KVM programmed the hardware timer of ``cpu`` with the values of ``vcpu``."""

    KIND: ClassVar[str] = "timer-restore"
    vcpu: int
    cpu: int
    ctl: int
    cval: int


class PhysActiveWritten(Fact, frozen=True, gc=False):
    """KVM wrote the physical active state of ``intid`` on ``cpu`` for ``vcpu``, changed or not."""

    KIND: ClassVar[str] = "phys-active"
    vcpu: int
    cpu: int
    intid: int
    value: bool


class Ticked(Fact, frozen=True, gc=False):
    """Virtual time moved to ``now``."""

    KIND: ClassVar[str] = "tick"
    now: int


class Armed(Fact, frozen=True, gc=False):
    """The soft timer of ``vcpu`` was armed for ``expiry`` (virtual ns) on ``cpu``."""

    KIND: ClassVar[str] = "soft-armed"
    vcpu: int
    cpu: int
    expiry: int


class Cancelled(Fact, frozen=True, gc=False):
    """The soft timer of ``vcpu`` was cancelled (``armed``: it was still armed)."""

    KIND: ClassVar[str] = "soft-cancelled"
    vcpu: int
    armed: bool


class Expired(Fact, frozen=True, gc=False):
    """The soft timer of ``vcpu`` fired on ``cpu``; ``early`` if it had to be started again."""

    KIND: ClassVar[str] = "soft-fired"
    vcpu: int
    cpu: int
    early: bool


# -- KVM: vgic ---------------------------------------------------------------------------------


class Injected(Fact, frozen=True, gc=False):
    """``kvm_vgic_inject_irq``: level or edge given to the software state of ``vintid``.

    ``accepted`` is false when the level had not changed; ``cpu`` is where the code ran.
    """

    KIND: ClassVar[str] = "inject"
    cpu: int
    vcpu: int
    vintid: int
    level: bool
    accepted: bool


class Folded(Fact, frozen=True, gc=False):
    """An LR was folded back at exit; ``state`` is the LR's, the rest the software state after it."""

    KIND: ClassVar[str] = "fold"
    vcpu: int
    vintid: int
    state: int
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
    """``vcpu`` was kicked; ``ipi`` says that an inter-processor interrupt was sent for it."""

    KIND: ClassVar[str] = "kick"
    vcpu: int
    ipi: bool


class Blocked(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` sleeps on its waitqueue."""

    KIND: ClassVar[str] = "block"
    vcpu: int


class Woken(Fact, frozen=True, gc=False):
    """Somebody set the sleeping (or about to sleep) thread of ``vcpu`` running."""

    KIND: ClassVar[str] = "wake"
    vcpu: int


class Unblocked(Fact, frozen=True, gc=False):
    """The thread of ``vcpu`` left its blocking loop."""

    KIND: ClassVar[str] = "unblock"
    vcpu: int


KINDS: dict[str, type[Fact]] = {cls.KIND: cls for cls in Fact.__subclasses__()}
