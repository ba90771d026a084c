"""What travels between the GIC's blocks, how late it may arrive, and what bounds that.

An access acts on the GIC in the step that makes it; its consequences travel. Deactivations that a
guest sends through the HW bit are queued, in order; a timer's line and a CPU's IRQ pin are sampled.
Each is delivered by a step of the GIC's tasks. Without bounds such a lag invents what no machine
does, so:

1. a CPU's own deactivations and line changes are applied before its own next access to the
   distributor or redistributor (an acknowledge is not one), and before timer or vgic state is
   put on it; an acknowledge drops the CPU's own pin in the same step;
2. a line change made by the guest or the world switch is applied when the exit completes;
3. a deactivation is applied before the same CPU's next guest entry;
4. anything else may outlive at most ``lag`` guest entries or interrupts taken on the CPU that it
   goes to.

With ``posted_writes`` a CPU's write to ISACTIVER is posted: it takes effect later, before that
CPU's other accesses to the distributor, and after ``lag`` of its guest entries at the latest. What
is no memory waits for no such write: List Registers, timers, CPU interfaces. (One to ICACTIVER acts
at once: while it is late, its interrupt is held back, and no more comes of it.)

With ``ipis`` the SGIs that the host's CPUs send each other are messages as well, in order per
target, and may outlive ``lag`` guest entries of that CPU; a machine may lose one (knob ``ipis``).

Subclasses break one of them on purpose (``harness.kvm.museum``).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from model.channel import Channel, Ipis
from model.facts import (
    DeactivationArrived,
    DeactivationSent,
    EdgeArrived,
    Fact,
    IpiSent,
    Signalled,
)
from model.gic.registers import FIRST_LPI
from model.timer import PTIMER_PPI, VTIMER_PPI

if TYPE_CHECKING:
    from model.device import Device, ForwardedDevice
    from model.gic.gic import Gic
    from model.pcpu import Signals
    from model.timer import HwTimer

__all__ = ["MAINTENANCE_PPI", "VTIMER_PPI", "Channel", "Ipis", "Messages"]

MAINTENANCE_PPI = 25
"""The PPI of the virtual interface's maintenance interrupt (BSA)."""


class Messages:
    """Delivers what is in flight.

    ``bounded`` is false for ``gic_messages=lagging``; ``posted`` says that writes to ISACTIVER are
    posted, ``travels`` that SGIs of the host are messages.
    """

    def __init__(
        self,
        gic: "Gic",
        timers: "list[HwTimer]",
        signals: "list[Signals]",
        devices: "list[Device]",
        forwards: "list[ForwardedDevice]",
        emit: Callable[[Fact], object] | None,
        *,
        lag: int = 1,
        bounded: bool = True,
        maintained: bool = False,
        posted: bool = False,
        travels: bool = False,
        ptimers: "Sequence[HwTimer]" = (),
    ) -> None:
        self.gic = gic
        self.timers = timers
        self.signals = signals
        self.devices = devices
        self.forwards = forwards
        self.emit = emit
        self.lag = lag
        self.bounded = bounded
        self.maintained = maintained
        self.posted = posted
        self.ptimers = ptimers
        self.ipis = [Ipis() for _ in timers] if travels else []
        self.channels = [Channel() for _ in timers]

    # -- what is in flight ---------------------------------------------------------------------

    def line_differs(self, c: int) -> bool:
        """Tell whether the distributor has not seen the level of this CPU's timer."""
        return self.timers[c].output() != bool(self.gic.banks[c].line >> VTIMER_PPI & 1)

    def ptimer_differs(self, c: int) -> bool:
        """Tell whether the distributor has not seen the level of this CPU's physical timer."""
        return self.ptimers[c].output() != bool(self.gic.banks[c].line >> PTIMER_PPI & 1)

    def maintenance_differs(self, c: int) -> bool:
        """Tell whether the distributor has not seen this CPU's maintenance interrupt, or its end.

        It may come late: the guest goes on meanwhile (Linux 6da5e537f5af).
        """
        return self.gic.maintenance(c) != self.gic.line(c, MAINTENANCE_PPI)

    def pin_differs(self, c: int) -> bool:
        """Tell whether the CPU has not seen what its CPU interface signals."""
        return self.signals[c].pin != self.gic.irq_signal(c)

    def in_flight(self, c: int) -> bool:
        """Tell whether anything is on its way to this CPU that its pin does not show yet."""
        return (
            self.channels[c].deactivations != ()
            or self.channels[c].writes != ()
            or any(to.sent for to in self.ipis[c : c + 1])
            or self.line_differs(c)
            or (bool(self.ptimers) and self.ptimer_differs(c))
            or (self.maintained and self.maintenance_differs(c))
            or self.pin_differs(c)
            or any(device.edges and device.target == c for device in self.devices)
            or any(f.target == c and self.event_differs(f) for f in self.forwards)
        )

    def event_differs(self, forward: "ForwardedDevice") -> bool:
        """Tell whether the distributor has not seen what a passthrough device signals."""
        if forward.level:
            return forward.line != self.gic.line(forward.target, forward.intid)
        return forward.edges > 0

    def send_deactivation(self, c: int, intid: int) -> None:
        """Send a guest's deactivation on its way, behind what the guest wrote to the device.

        A driver reads its device back before it completes the interrupt, so a line that the guest
        lowered has fallen at the distributor by then (not where there are no bounds).
        """
        if self.bounded:
            if not self.timers[c].output() and self.line_differs(c):
                self.deliver_line(c)
            if self.ptimers and not self.ptimers[c].output():
                self.deliver_ptimer(c)
            self.deliver_falls()
        channel = self.channels[c]
        under_way = channel.deactivations
        message = 0
        while any(other == message for _, other in under_way):
            message += 1
        if self.emit is not None:
            self.emit(DeactivationSent(c, intid, message))
        channel.deactivations = (*under_way, (intid, message))

    def send_write(self, c: int, intid: int, on: bool, *, read_back: bool) -> None:
        """Write an active state at the distributor, ``read_back`` or not.

        A read back of what was written waits for it.
        """
        self.deliver_writes(c)
        if self.posted and on and not read_back:
            channel = self.channels[c]
            channel.writes = (*channel.writes, intid)
        else:
            self.gic.set_active(c, intid, on)

    def send_ipi(self, source: int, target: int, sgi: int) -> None:
        """Send an SGI from one CPU of the host to another, or to itself."""
        if not self.ipis:
            self.gic.send_sgi(source, target, sgi)
            return
        if self.emit is not None:
            self.emit(IpiSent(source, target, sgi))
        to = self.ipis[target]
        to.sent = (*to.sent, (source, sgi))

    # -- delivery ------------------------------------------------------------------------------

    def deliver_ipi(self, c: int) -> None:
        """Let the oldest SGI on its way to this CPU arrive."""
        source, sgi = self.ipis[c].sent[0]
        self.lose_ipi(c)
        self.gic.receive_sgi(source, c, sgi)

    def lose_ipi(self, c: int) -> None:
        """Lose it: a machine that is broken."""
        to = self.ipis[c]
        to.sent = to.sent[1:]
        to.age = 0

    def deliver_write(self, c: int) -> None:
        """Let the oldest posted write of this CPU take effect."""
        channel = self.channels[c]
        intid = channel.writes[0]
        channel.writes = channel.writes[1:]
        channel.writes_age = 0
        self.gic.set_active(c, intid, True)

    def deliver_writes(self, c: int) -> None:
        """Let all of them take effect: this CPU accesses the distributor again."""
        while self.channels[c].writes:
            self.deliver_write(c)

    def deliver_deactivation(self, c: int) -> None:
        """Apply the oldest deactivation of this CPU at the distributor."""
        channel = self.channels[c]
        intid, message = channel.deactivations[0]
        channel.deactivations = channel.deactivations[1:]
        was_active = self.gic.is_active(c, intid)
        self.gic.deactivate(c, intid)
        if self.emit is not None:
            self.emit(DeactivationArrived(c, intid, message, was_active))

    def deliver_line(self, c: int) -> None:
        """Let the distributor sample the timer of this CPU."""
        self.gic.set_line(c, VTIMER_PPI, self.timers[c].output())
        self.channels[c].line_age = 0

    def deliver_ptimer(self, c: int) -> None:
        """Let the distributor sample the physical timer of this CPU."""
        self.gic.set_line(c, PTIMER_PPI, self.ptimers[c].output())
        self.channels[c].ptimer_age = 0

    def deliver_maintenance(self, c: int) -> None:
        """Let the distributor sample this CPU's maintenance interrupt."""
        self.gic.set_line(c, MAINTENANCE_PPI, self.gic.maintenance(c))
        self.channels[c].maintenance_age = 0

    def deliver_pin(self, c: int) -> None:
        """Let the CPU sample what its CPU interface signals."""
        signals = self.signals[c]
        level = self.gic.irq_signal(c)
        if level != signals.pin:
            signals.pin = level
            if self.emit is not None:
                self.emit(Signalled(c, level))
        self.channels[c].pin_age = 0

    def deliver_event(self, forward: "ForwardedDevice") -> None:
        """Let the distributor see a passthrough device's line, or its oldest edge."""
        forward.age = 0
        if forward.level:
            self.gic.set_line(forward.target, forward.intid, forward.line)
        else:
            forward.edges -= 1
            if self.emit is not None:
                self.emit(EdgeArrived(-1, forward.intid))
            if forward.intid >= FIRST_LPI:
                self.gic.msi(forward.target, forward.intid)
            else:
                self.gic.edge(forward.target, forward.intid)

    def deliver_falls(self) -> None:
        """Let the distributor see lines of passthrough devices that drivers have lowered."""
        for forward in self.forwards:
            if forward.level and not forward.line and self.event_differs(forward):
                self.deliver_event(forward)

    def deliver_edge(self, device: "Device") -> None:
        """Let the distributor see the oldest edge of a device."""
        device.edges -= 1
        device.age = 0
        self.gic.edge(0, device.intid)

    def deliver_deactivations(self, c: int) -> None:
        """Apply all deactivations of this CPU."""
        channel = self.channels[c]
        while channel.deactivations:
            self.deliver_deactivation(c)

    # -- the bounds ----------------------------------------------------------------------------

    def before_access(self, c: int) -> None:
        """Bound 1: called before this CPU accesses the (re)distributor or gets new state."""
        if self.bounded:
            self.deliver_line(c)
            if self.ptimers:
                self.deliver_ptimer(c)
            if self.maintained:
                self.deliver_maintenance(c)
            self.deliver_falls()
            self.deliver_deactivations(c)

    def before_lrs(self, c: int) -> None:
        """Bounds 1 and 3: called before this CPU's List Registers are written for an entry."""
        self.before_access(c)

    def at_exit(self, c: int) -> None:
        """Bound 2: called when an exit completes, before the host's interrupts can be unmasked."""
        if self.bounded:
            self.deliver_line(c)
            if self.ptimers:
                self.deliver_ptimer(c)
            self.deliver_falls()

    def at_entry(self, c: int) -> None:
        """Bounds 3 and 4: called at a guest entry on this CPU."""
        if self.bounded:
            self.deliver_deactivations(c)
            if self.posted:
                self.grow_writes_old(c)
            if self.ipis:
                self.grow_ipis_old(c)
        self.grow_old(c)

    def at_acknowledge(self, c: int) -> None:
        """Bound 1: called when this CPU has acknowledged an interrupt; its own pin falls."""
        if self.bounded:
            self.deliver_pin(c)

    def at_interrupt(self, c: int) -> None:
        """Bound 4: called when this CPU takes an interrupt."""
        self.grow_old(c)

    def grow_writes_old(self, c: int) -> None:
        """Age posted writes of this CPU."""
        channel = self.channels[c]
        if channel.writes_age >= self.lag:
            self.deliver_writes(c)
        elif channel.writes:
            channel.writes_age += 1

    def grow_ipis_old(self, c: int) -> None:
        """Age SGIs that are on their way to this CPU."""
        to = self.ipis[c]
        if to.sent and to.age < self.lag:
            to.age += 1
            return
        while to.sent:
            self.deliver_ipi(c)

    def grow_maintenance_old(self, c: int) -> None:
        """Age a maintenance interrupt that the distributor has not seen rise, or fall."""
        channel = self.channels[c]
        if not self.maintenance_differs(c):
            channel.maintenance_age = 0
        elif channel.maintenance_age >= self.lag:
            self.deliver_maintenance(c)
        else:
            channel.maintenance_age += 1

    def grow_ptimer_old(self, c: int) -> None:
        """Age a level of the physical timer that the distributor has not seen."""
        channel = self.channels[c]
        if not self.ptimer_differs(c):
            channel.ptimer_age = 0
        elif channel.ptimer_age >= self.lag:
            self.deliver_ptimer(c)
        else:
            channel.ptimer_age += 1

    def grow_devices_old(self, c: int) -> None:
        """Age what devices have sent to this CPU."""
        for device in self.devices:
            if device.target == c and device.edges:
                if device.age >= self.lag:
                    while device.edges:
                        self.deliver_edge(device)
                else:
                    device.age += 1
        for forward in self.forwards:
            if forward.target != c or not self.event_differs(forward):
                continue
            if forward.age >= self.lag:
                while self.event_differs(forward):
                    self.deliver_event(forward)
            else:
                forward.age += 1

    def grow_old(self, c: int) -> None:
        """Age what is in flight to this CPU; deliver what has outlived enough."""
        if not self.bounded:
            return
        channel = self.channels[c]
        self.grow_devices_old(c)
        if not self.line_differs(c):
            channel.line_age = 0
        elif channel.line_age >= self.lag:
            self.deliver_line(c)
        else:
            channel.line_age += 1
        if self.ptimers:
            self.grow_ptimer_old(c)
        if self.maintained:
            self.grow_maintenance_old(c)
        if not self.pin_differs(c):
            channel.pin_age = 0
        elif channel.pin_age >= self.lag:
            self.deliver_pin(c)
        else:
            channel.pin_age += 1
