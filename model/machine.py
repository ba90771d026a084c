"""The whole machine as one value: every part, in a fixed order, with ``key()`` and ``copy()``."""

from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from model.device import Device, ForwardedDevice
from model.facts import Fact
from model.gic.gic import Gic
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS
from model.guest import (
    AWAIT,
    MMIO,
    PTIMER,
    PTIMER_OFF,
    SGI,
    TARGET,
    WAKE_SGI,
    Guest,
    GuestVm,
    Instruction,
)
from model.host.lock import Lockable
from model.host.thread import HrTimer, VcpuThread
from model.messages import VTIMER_PPI, Messages
from model.monitor import Monitor
from model.part import Part
from model.pcpu import Pcpu, Signals
from model.timer import PTIMER_PPI, Clock, HwTimer
from model.vgic.irq import PRIORITY, VgicCpu, VgicDist, VgicIrq
from model.vgic.vtimer import VTimer

__all__ = ["GIC_MESSAGES", "LR_MODES", "START_NS", "Config", "Forward", "Machine"]

GIC_MESSAGES = ("queued", "synchronous", "lagging")
LR_MODES = ("arch", "polled", "quirk", "erratum")

START_NS = 10_000
CNTVOFF_NS = 4_000
"""CNTVOFF of the VM: not zero, so that an offset forgotten somewhere shows."""


class Forward(msgspec.Struct, frozen=True):
    """A passthrough device: physical ``intid`` on CPU ``target`` to ``vintid`` of ``vcpu``.

    An INTID of 8192 or more is an LPI: it is not linked by the HW bit, but injected as a pure
    virtual edge (GICv3 only).
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


class Config(msgspec.Struct, frozen=True):
    """Sizes and knobs of a machine. Times are in virtual nanoseconds."""

    pcpus: int = 1
    vcpus: int = 1
    lrs: int = 4
    gic_version: int = 3
    eoimode: int = 0
    gic_messages: str = "queued"
    gic_lag: int = 1
    lr_on_guest_deactivate: str = "arch"
    devices: tuple[tuple[int, int], ...] = ()
    """Host devices: the SPI of each, and how many edges it may send in an execution."""
    forwards: tuple[Forward, ...] = ()
    """Passthrough devices."""
    handler: int = 0
    """How many instructions a guest's handler executes before it completes the interrupt."""
    eoi_first: bool = False
    """Whether guests complete an interrupt before they silence its device."""
    twice: int = -1
    """The vINTID that guests' handlers deactivate a second time, as they must not (-1: none)."""
    nested: bool = False
    """Whether guests let interrupts of higher priority into their handlers."""
    deactivate: str = "handler"
    """Who deactivates in EOImode 1: "handler", "later" (any order) or "other" (another VCPU)."""
    timer_priority: int = PRIORITY
    sgi_priority: int = PRIORITY
    programs: tuple[tuple[Instruction, ...], ...] = ()

    def sgis(self) -> tuple[int, ...]:
        """Return the SGIs that guests may send, in order."""
        named = (SGI, AWAIT, *MMIO)
        sent = {i.a for p in self.programs for i in p if i.code in named and i.a < SGIS}
        if self.wakes:
            sent.add(WAKE_SGI)
        return tuple(sorted(sent))

    @property
    def ptimer(self) -> bool:
        """Whether guests use the physical timer, which KVM then emulates."""
        return any(i.code in (PTIMER, PTIMER_OFF) for program in self.programs for i in program)

    @property
    def wakes(self) -> bool:
        """Whether a guest's handler may have to wake another VCPU: what it waits for was done."""
        moves = any(i.code == TARGET for program in self.programs for i in program)
        return self.vcpus > 1 and (self.deactivate == "other" or moves)


class Machine:
    """All state of a run. ``parts`` names every part; nothing else changes during an execution."""

    gic_class: type[Gic] = Gic
    messages_class: type[Messages] = Messages

    def __init__(self, config: Config, emit: Callable[[Fact], None]) -> None:
        self.config = config
        cpus, vcpus = range(config.pcpus), range(config.vcpus)
        self.clock = Clock(START_NS)
        self.gic = self.gic_class(
            version=config.gic_version,
            cpus=config.pcpus,
            lrs=config.lrs,
            spis=(
                *(intid for intid, _ in config.devices),
                *(f.intid for f in config.forwards if f.intid < FIRST_LPI),
            ),
            lr_on_guest_deactivate=config.lr_on_guest_deactivate,
            emit=emit,
        )
        self.timers = [HwTimer(self.clock) for _ in cpus]
        self.pcpus = [Pcpu() for _ in cpus]
        self.signals = [Signals() for _ in cpus]
        self.devices = [Device(intid, edges) for intid, edges in config.devices]
        self.forwards = [
            ForwardedDevice(f.intid, f.vintid, f.vcpu, f.target, f.events, level=f.level)
            for f in config.forwards
        ]
        by_vintid = {forward.vintid: forward for forward in self.forwards}
        for forward, said in zip(self.forwards, config.forwards, strict=True):
            forward.after = by_vintid.get(said.after)
            if forward.intid < FIRST_LPI:
                self.gic.set_edge(0, forward.intid, not forward.level)
                self.gic.set_targets(0, forward.intid, 1 << forward.target)
        private = 1 + len(config.sgis()) + config.ptimer
        maintained = private + len(self.forwards) > config.lrs or self.has_software_levels()
        self.messages = self.messages_class(
            self.gic,
            self.timers,
            self.signals,
            self.devices,
            self.forwards,
            emit,
            lag=config.gic_lag,
            bounded=config.gic_messages != "lagging",
            maintained=maintained,
        )
        self.threads = [VcpuThread(v % config.pcpus) for v in vcpus]
        self.hrtimers = [HrTimer(1 << v) for v in vcpus]
        emulated = vcpus if config.ptimer else ()
        self.phrtimers = [HrTimer(1 << config.vcpus + v) for v in emulated]
        self.ptimers = [VTimer(0) for _ in emulated]
        self.guests = [Guest(program) for program in config.programs]
        self.vm = GuestVm()
        self.vtimers = [VTimer(CNTVOFF_NS) for _ in vcpus]
        for device in self.devices:
            self.gic.set_edge(0, device.intid, True)
        self.make_virtual_irqs(config)
        if config.eoimode:
            for c in cpus:
                self.gic.set_veoimode(c, 1)
        vmcr, apr = self.gic.save_vmcr(0), self.gic.save_apr(0)
        self.vgics = [VgicCpu(v, config.lrs, vmcr, apr) for v in vcpus]
        self.initial_vmcr = vmcr
        self.dist = VgicDist()
        self.monitor = Monitor(config.vcpus)
        self.parts = self.name_parts()
        for _, part in self.parts:
            if isinstance(part, Lockable):
                part.emit = emit
        self.initial = tuple(part.key() for _, part in self.parts)

    def make_virtual_irqs(self, config: Config) -> None:
        """Make KVM's software interrupts: timers and SGIs of each VCPU, and the VM's SPIs.

        ``private`` has what a VCPU has for itself beside its virtual timer's, by (VCPU, number).
        """
        vcpus = range(config.vcpus)
        self.irqs = [
            VgicIrq(
                VTIMER_PPI,
                target=v,
                level=True,
                hwintid=VTIMER_PPI,
                priority=config.timer_priority,
            )
            for v in vcpus
        ]
        self.private = {
            (v, n): VgicIrq(
                n,
                target=v,
                level=False,
                name=f"vsgi{v}{n:02d}",
                priority=config.sgi_priority,
                sourced=config.gic_version == 2,
            )
            for v in vcpus
            for n in config.sgis()
        }
        if config.ptimer:
            for v in vcpus:
                self.private[v, PTIMER_PPI] = VgicIrq(
                    PTIMER_PPI,
                    target=v,
                    level=True,
                    name=f"vppi{v}{PTIMER_PPI}",
                    priority=config.timer_priority,
                )
        self.spis = {
            f.vintid: VgicIrq(
                f.vintid,
                target=f.vcpu,
                level=f.level,
                hwintid=f.intid if f.intid < FIRST_LPI else -1,
                name=f"vspi{f.vintid}",
                priority=f.priority,
            )
            for f in config.forwards
        }

    def has_software_levels(self) -> bool:
        """Tell whether KVM has List Registers whose end it asks to be told of (their EOI bit).

        Those are of level interrupts of software (the emulated physical timer's), and of GICv2 SGIs
        with several sources.
        """
        return self.config.ptimer or (bool(self.config.sgis()) and self.config.gic_version == 2)

    def name_parts(self) -> list[tuple[str, Part]]:
        """List every part with its name; the order fixes resource bits and ``key``."""
        per_cpu: Sequence[tuple[str, Sequence[Part]]] = (
            ("pcpu", self.pcpus),
            ("signal", self.signals),
            ("timer", self.timers),
            ("chan", self.messages.channels),
        )
        per_vcpu: Sequence[tuple[str, Sequence[Part]]] = (
            ("thread", self.threads),
            ("vgic", self.vgics),
            ("irq", self.irqs),
            ("vtimer", self.vtimers),
            ("hrtimer", self.hrtimers),
            ("guest", self.guests),
            ("ptimer", self.ptimers),
            ("phrtimer", self.phrtimers),
        )
        parts: list[tuple[str, Part]] = [("clock", self.clock)]
        for kind, members in (*per_cpu, *per_vcpu):
            parts += [(f"{kind}{i}", part) for i, part in enumerate(members)]
        parts += [(f"device{i}", device) for i, device in enumerate(self.devices)]
        parts += [(f"fwd{i}", forward) for i, forward in enumerate(self.forwards)]
        parts += [("dist", self.dist), ("vm", self.vm), ("monitor", self.monitor)]
        parts += [(irq.name, irq) for irq in self.private.values()]
        parts += [(irq.name, irq) for irq in self.spis.values()]
        parts += self.gic.parts()
        return parts

    def irq(self, v: int, intid: int) -> VgicIrq:
        """Return the virtual interrupt ``intid`` as VCPU ``v`` sees it.

        Raises:
            KeyError: there is none.

        """
        if intid >= FIRST_SPI:
            return self.spis[intid]
        return self.irqs[v] if intid == VTIMER_PPI else self.private[v, intid]

    def hush(self) -> None:
        """Tell nobody what happens from here on."""
        self.gic.emit = None
        for _, part in self.parts:
            if isinstance(part, Lockable):
                part.emit = None
        # A callable that costs next to nothing; its answer is not looked at.
        self.messages.emit = cast("Callable[[Fact], None]", bool)

    def key(self) -> tuple[object, ...]:
        """Return the whole state as one hashable value."""
        return tuple(part.key() for _, part in self.parts)

    def restore(self, key: tuple[object, ...]) -> None:
        """Go to the state that ``key`` is the key of."""
        for (_, part), state in zip(self.parts, key, strict=True):
            part.restore(state)

    def reset(self) -> None:
        """Go back to the initial state."""
        self.restore(self.initial)

    def copy(self, emit: Callable[[Fact], None] = lambda _fact: None) -> "Machine":
        """Return a machine of the same configuration in the same state."""
        other = type(self)(self.config, emit)
        other.restore(self.key())
        return other
