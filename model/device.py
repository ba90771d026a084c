"""A device that sends edges on an SPI to the host."""

from collections.abc import Callable

from model.facts import DeviceRaised, DeviceServed, Fact
from model.part import Part

__all__ = ["Device"]


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
    FIELDS = ("planned", "raised", "line", "work", "edges", "age")

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
