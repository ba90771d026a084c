"""Facts about the interrupt controller: distributor, CPU interface, List Registers."""

from typing import ClassVar

from model.facts.base import Fact
from model.gic.lr import Lr

__all__ = [
    "AckedByGuest",
    "AckedByHost",
    "ActiveChanged",
    "Completed",
    "DeactivatedByGuest",
    "DeactivationArrived",
    "DeactivationSent",
    "EdgeArrived",
    "IpiSent",
    "LineChanged",
    "LrMoved",
    "LrWritten",
    "PendingChanged",
    "PriorityDropped",
    "Signalled",
]


class LineChanged(Fact, frozen=True, gc=False):
    """The distributor's view of a level input changed. ``pcpu`` is -1 for an SPI."""

    KIND: ClassVar[str] = "line"
    pcpu: int
    intid: int
    level: bool


class EdgeArrived(Fact, frozen=True, gc=False):
    """An edge reached the distributor, whatever it then made of it. ``pcpu`` is -1 for an SPI."""

    KIND: ClassVar[str] = "edge"
    pcpu: int
    intid: int


class PendingChanged(Fact, frozen=True, gc=False):
    """The pending latch of an interrupt changed (edge, ISPENDR, ICPENDR, acknowledge)."""

    KIND: ClassVar[str] = "pending"
    pcpu: int
    intid: int
    after: bool


class ActiveChanged(Fact, frozen=True, gc=False):
    """The active bit at the distributor changed.

    ``cause`` is "ack" (IAR), "deactivate" (EOIR, DIR or a guest's deactivation through an LR) or
    "write" (ISACTIVER, ICACTIVER). ``pcpu`` is -1 for an SPI.
    """

    KIND: ClassVar[str] = "active"
    pcpu: int
    intid: int
    after: bool
    cause: str


class IpiSent(Fact, frozen=True, gc=False):
    """Software on ``pcpu`` sent SGI ``intid`` to ``target``: an IPI, at the distributor."""

    KIND: ClassVar[str] = "ipi"
    pcpu: int
    target: int
    intid: int


class AckedByHost(Fact, frozen=True, gc=False):
    """The host read IAR on ``pcpu``; ``intid`` is 1023 when nothing was pending any more."""

    KIND: ClassVar[str] = "host-ack"
    pcpu: int
    intid: int


class PriorityDropped(Fact, frozen=True, gc=False):
    """The host wrote EOIR on ``pcpu``; ``running`` is the priority after it (0xFF: idle)."""

    KIND: ClassVar[str] = "priority-drop"
    pcpu: int
    intid: int
    running: int


class Signalled(Fact, frozen=True, gc=False):
    """The IRQ input of ``pcpu``, as that CPU sees it, rose or fell."""

    KIND: ClassVar[str] = "signal"
    pcpu: int
    level: bool


class DeactivationSent(Fact, frozen=True, gc=False):
    """A guest's deactivation through a HW List Register left for the distributor.

    ``message`` tells it from the others that are under way from this CPU at the same time.
    """

    KIND: ClassVar[str] = "deactivation-sent"
    pcpu: int
    intid: int
    message: int


class DeactivationArrived(Fact, frozen=True, gc=False):
    """That deactivation took effect at the distributor. ``was_active`` is the bit before it."""

    KIND: ClassVar[str] = "deactivation-arrived"
    pcpu: int
    intid: int
    message: int
    was_active: bool


class LrWritten(Fact, frozen=True, gc=False):
    """KVM wrote hardware List Register ``index`` of ``pcpu``."""

    KIND: ClassVar[str] = "lr-written"
    pcpu: int
    index: int
    before: Lr
    after: Lr


class LrMoved(Fact, frozen=True, gc=False):
    """A guest access moved the state of a List Register; ``access`` is "iar", "eoir" or "dir"."""

    KIND: ClassVar[str] = "lr-moved"
    pcpu: int
    index: int
    access: str
    before: Lr
    after: Lr


class AckedByGuest(Fact, frozen=True, gc=False):
    """The guest on ``pcpu`` read IAR and got ``vintid`` (1023: nothing to take)."""

    KIND: ClassVar[str] = "guest-ack"
    pcpu: int
    vintid: int


class Completed(Fact, frozen=True, gc=False):
    """The guest on ``pcpu`` wrote EOIR for ``vintid``."""

    KIND: ClassVar[str] = "guest-eoi"
    pcpu: int
    vintid: int


class DeactivatedByGuest(Fact, frozen=True, gc=False):
    """The guest deactivated ``vintid`` (EOIR in EOImode 0, DIR in EOImode 1)."""

    KIND: ClassVar[str] = "guest-deactivate"
    pcpu: int
    vintid: int
