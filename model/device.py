"""Devices: the host's own, those that are passed through, and those that the VM monitor makes."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec

from model.facts import (
    DeviceRaised,
    DeviceServed,
    DeviceSignalled,
    DeviceStillHigh,
    EoiNotified,
    Fact,
)
from model.gic.registers import FIRST_LPI, FIRST_SPI
from model.part import Part
from model.vgic.irq import PRIORITY

__all__ = ["Device", "Forward", "ForwardedDevice", "SoftwareDevice", "device_of", "serve_device"]


class Forward(msgspec.Struct, frozen=True):
    """A passthrough device: physical ``intid`` on CPU ``target`` to ``vintid`` of ``vcpu``.

    An INTID of 8192 or more is an LPI: it is not linked by the HW bit, but injected as a pure
    virtual edge (GICv3 only). An INTID of -1 is none: the VM monitor makes the device, ``resample``
    and ``exits`` are as in :class:`SoftwareDevice`, and ``target`` is -1.
    """

    intid: int
    vintid: int
    vcpu: int
    target: int
    level: bool
    events: int
    priority: int = PRIORITY
    after: int = -1
    """The vINTID of the device whose service makes this one have an event (-1: none)."""
    resample: bool = False
    exits: bool = False

    @property
    def is_mapped(self) -> bool:
        """Whether an SPI is behind it, linked by the HW bit: no LPI, and no device of software."""
        return FIRST_SPI <= self.intid < FIRST_LPI


class Device(Part):
    """A device whose edges on SPI ``intid`` go to CPU ``target`` and stay with the host.

    ``edges`` counts those under way to the distributor; ``edges_max`` bounds an execution's.
    ``age`` is how many guest entries and interrupts of CPU ``target`` they have outlived.
    """

    __slots__ = ("age", "edges", "edges_max", "intid", "target")
    FIELDS = ("edges", "age")

    def __init__(self, intid: int, edges_max: int, target: int = 0) -> None:
        super().__init__()
        self.intid = intid
        self.target = target
        self.age = 0
        self.edges_max = edges_max
        self.edges = 0

    def has_edge(self) -> bool:
        """Tell whether an edge is under way."""
        return self.edges > 0


class ForwardedDevice(Part):
    """A passthrough device: its interrupt is the host's to acknowledge, its driver is the guest's.

    SPI ``intid`` goes to CPU ``target`` and is forwarded to VCPU ``vcpu`` as ``vintid``. ``level``
    says how it signals: a line held until the driver serves it, or an edge per event. ``planned``
    is how many events this execution has, ``raised`` how many there were; ``work`` is what the
    driver finds and clears; ``edges`` are under way to the distributor, and ``age`` as in
    :class:`Device`. A device that follows another (``after``) has an event whenever that one's
    driver has served it, so that it interrupts that driver's handler.
    """

    __slots__ = (
        "after",
        "age",
        "edges",
        "emit",
        "events_max",
        "intid",
        "level",
        "line",
        "planned",
        "raised",
        "target",
        "vcpu",
        "vintid",
        "work",
    )
    FIELDS: ClassVar[tuple[str, ...]] = ("planned", "raised", "line", "work", "edges", "age")

    def __init__(
        self, intid: int, vintid: int, vcpu: int, target: int, events_max: int, *, level: bool
    ) -> None:
        super().__init__()
        self.intid = intid
        self.vintid = vintid
        self.vcpu = vcpu
        self.target = target
        self.events_max = events_max
        self.level = level
        self.planned = 0
        self.raised = 0
        self.line = False
        self.work = False
        self.edges = 0
        self.age = 0
        self.after: ForwardedDevice | None = None
        self.emit: Callable[[Fact], object] | None = None

    def canonical(self) -> object:
        """With the number of events still to come in place of those planned and those past."""
        return (self.planned - self.raised, 0, self.line, self.work, self.edges, self.age)

    def quiet(self) -> bool:
        """Tell whether all planned events have come and were served, those it follows included."""
        if self.after is not None and not self.after.quiet():
            return False
        return self.raised >= self.planned and not self.work

    def reset(self) -> None:
        """Forget what is asked and what is under way, as when the VM monitor resets the VM.

        Events that were not yet raised are still to come.
        """
        self.work = False
        self.line = False
        self.edges = 0
        if self.emit is not None:
            self.emit(DeviceServed(self.vcpu, self.intid, self.vintid, False))

    def happen(self) -> None:
        """Raise the next event: assert the line, or send an edge (an MSI, for an LPI)."""
        self.raised += 1
        self.work = True
        if self.level:
            self.line = True
        else:
            self.edges += 1
        if self.emit is not None:
            self.emit(DeviceRaised(self.vcpu, self.intid, self.vintid))

    def serve(self, vcpu: int) -> None:
        """Clear what the device asked for and lower its line, as the driver on ``vcpu`` does."""
        work, self.work = self.work, False
        self.line = False
        if self.emit is not None:
            self.emit(DeviceServed(vcpu, self.intid, self.vintid, work))


class SoftwareDevice(ForwardedDevice):
    """A device that the VM monitor makes: no physical interrupt is behind SPI ``vintid``.

    It signals by KVM_IRQ_LINE or an irqfd. With ``resample`` the irqfd has a resamplefd: KVM lowers
    the line itself when the guest ends the interrupt, and says so (``notified``); the VM monitor
    raises it again if ``line``, which is the device's own, is still high. ``exits``: the driver's
    access leaves for user space. ``held`` is the VM monitor's lock of the device: somebody signals,
    serves or resets it.
    """

    __slots__ = ("exits", "held", "notified", "resample")
    FIELDS: ClassVar[tuple[str, ...]] = (*ForwardedDevice.FIELDS, "notified", "held")

    def __init__(
        self,
        vintid: int,
        vcpu: int,
        events_max: int,
        *,
        level: bool,
        resample: bool = False,
        exits: bool = False,
    ) -> None:
        super().__init__(-1, vintid, vcpu, -1, events_max, level=level)
        self.resample = resample
        self.exits = exits
        self.notified = False
        self.held = False

    def canonical(self) -> object:
        """With the number of events still to come, as in :class:`ForwardedDevice`."""
        return (self.planned - self.raised, 0, self.line, self.work, 0, 0, self.notified, self.held)

    def reset(self) -> None:
        """Forget what is asked, and what KVM has said of it."""
        super().reset()
        self.notified = False

    def happen(self) -> None:
        """Have the next event: the VM monitor is about to signal it."""
        self.raised += 1
        self.work = True
        self.line = self.level
        self.held = True
        if self.emit is not None:
            self.emit(DeviceRaised(self.vcpu, self.intid, self.vintid))

    def signalled(self) -> None:
        """Note that KVM has been told: the call has returned."""
        self.held = False
        if self.emit is not None:
            self.emit(DeviceSignalled(self.vcpu, self.vintid, self.notified))

    def look_again(self) -> None:
        """Take notice of an end: the VM monitor is about to signal if the line is high still."""
        self.notified = False
        self.held = self.line
        if self.line and self.emit is not None:
            self.emit(DeviceStillHigh(self.vcpu, self.vintid))

    def notify(self) -> None:
        """Note that KVM signalled the resamplefd: its guest has ended the interrupt."""
        self.notified = True
        if self.emit is not None:
            self.emit(EoiNotified(self.vcpu, self.vintid))


def device_of(said: Forward) -> ForwardedDevice:
    """Make the device that a configuration names."""
    if said.intid >= 0:
        return ForwardedDevice(
            said.intid, said.vintid, said.vcpu, said.target, said.events, level=said.level
        )
    return SoftwareDevice(
        said.vintid,
        said.vcpu,
        said.events,
        level=said.level,
        resample=said.resample,
        exits=said.exits,
    )


def serve_device(devices: Sequence[ForwardedDevice], vintid: int, vcpu: int) -> None:
    """Serve the device of ``vintid``, as a driver on ``vcpu`` does; those that follow it go on."""
    work = False
    for device in devices:
        if device.vintid == vintid:
            work = device.work
            device.serve(vcpu)
        elif work and device.after is not None and device.after.vintid == vintid:
            device.planned += 1
