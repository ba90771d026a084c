"""The whole machine as one value: every part, in a fixed order, with ``key()`` and ``copy()``."""

from collections.abc import Callable, Sequence

from model.config import GIC_MESSAGES, Config
from model.device import Device, Forward, ForwardedDevice, device_of
from model.facts import Fact, HostMasked, PhysActiveWritten
from model.gic.gic import LR_MODES, Gic
from model.gic.registers import FIRST_SPI, SGIS
from model.guest import (
    DIST,
    LPIS,
    READ_DIST,
    Guest,
    GuestVm,
)
from model.host.lock import Lockable
from model.host.thread import HrTimer, VcpuThread
from model.identity import BG_TIMER, PTIMER, VTIMER
from model.messages import VTIMER_PPI, Messages
from model.monitor import Monitor
from model.own import OwnState, part_of
from model.part import Part
from model.pcpu import Pcpu, Signals
from model.timer import PTIMER_PPI, Clock, HwTimer
from model.timer_context import TimerContext
from model.vgic.cpu import DistCtlr, VgicCpu, VgicDist
from model.vgic.irq import VgicIrq
from model.vgic.its import VgicIts

__all__ = ["GIC_MESSAGES", "LR_MODES", "START_NS", "Config", "Forward", "Machine"]

START_NS = 10_000
SINGLE = ("clock", "dist", "ctlr", "its", "vm", "monitor", "own_vm")
"""Parts that a machine has one of, whose names carry no number."""
CNTVOFF_NS = 4_000
"""CNTVOFF of the VM: not zero, so that an offset forgotten somewhere shows."""


Telling = (
    Pcpu | Lockable | VcpuThread | HrTimer | TimerContext | ForwardedDevice | DistCtlr | Monitor
    | Guest
)  # fmt: skip
"""The parts that say themselves what happens to them."""


def by_index(parts: Sequence[Part]) -> dict[int, Part]:
    """Return parts by their position."""
    return dict(enumerate(parts))


class Machine:
    """All state of a run. ``parts`` names every part; nothing else changes during an execution."""

    gicv_dir_traps = True
    """Whether KVM leaves a GICv2's GICV_DIR unmapped, so that guests' writes to it trap."""
    gic_class: type[Gic] = Gic
    messages_class: type[Messages] = Messages

    def __init__(self, config: Config, emit: Callable[[Fact], object] | None) -> None:
        self.config = config
        cpus, vcpus = range(config.pcpus), range(config.vcpus)
        self.clock = Clock(START_NS)
        self.gic = self.gic_class(
            version=config.gic_version,
            cpus=config.pcpus,
            lrs=config.lrs,
            spis=(
                *(intid for intid, _ in config.devices),
                *(f.intid for f in config.forwards if f.is_mapped),
            ),
            lr_on_guest_deactivate=config.lr_on_guest_deactivate,
            tdir=config.tdir,
            emit=emit,
        )
        self.hw_timers = [HwTimer(self.clock) for _ in cpus]
        self.direct_ptimer = config.direct_ptimer
        self.hw_ptimers = [HwTimer(self.clock, PTIMER_PPI) for _ in cpus if self.direct_ptimer]
        self.pcpus = [Pcpu(c) for c in cpus]
        self.signals = [Signals() for _ in cpus]
        self.devices = [Device(intid, edges) for intid, edges in config.devices]
        self.forwards = [device_of(f) for f in config.forwards]
        by_vintid = {forward.vintid: forward for forward in self.forwards}
        for forward, said in zip(self.forwards, config.forwards, strict=True):
            forward.after = by_vintid.get(said.after)
            if said.is_mapped:
                self.gic.set_edge(0, forward.intid, not forward.level)
                self.gic.set_targets(0, forward.intid, 1 << forward.target)
        private = 1 + len(config.sgis()) + config.ptimer
        more = private + len(self.forwards) > config.lrs
        maintained = more or self.has_software_levels() or config.toggles_groups
        self.messages = self.messages_class(
            self.gic,
            self.hw_timers,
            self.signals,
            self.devices,
            [forward for forward in self.forwards if forward.intid >= 0],
            emit,
            lag=config.gic_lag,
            bounded=config.gic_messages != "lagging",
            maintained=maintained,
            posted=config.posted_writes,
            travels=config.ipis != "at-once",
            ptimers=self.hw_ptimers,
        )
        self.threads = [VcpuThread(v, v % config.pcpus) for v in vcpus]
        self.make_timers(config)
        self.guests = [Guest(v, program) for v, program in enumerate(config.programs)]
        self.vm = GuestVm()
        for device in self.devices:
            self.gic.set_edge(0, device.intid, True)
        self.make_virtual_irqs(config)
        if config.eoimode:
            for c in cpus:
                self.gic.set_veoimode(c, 1)
        vmcr, apr = self.gic.save_vmcr(0), self.gic.save_apr(0)
        self.vgics = [VgicCpu(v, config.lrs, vmcr, apr) for v in vcpus]
        self.initial_vmcr = vmcr
        levels = any(irq.level and not irq.hw for irq in self.spis.values())
        self.dist = VgicDist(counts=levels)
        enabling = any(i.code == LPIS for program in config.programs for i in program)
        self.its = VgicIts(config.vcpus) if enabling else None
        switched = any(i.code in (DIST, READ_DIST) for program in config.programs for i in program)
        self.ctlr = DistCtlr() if switched else None
        self.monitor = Monitor(config.vcpus)
        self.declare(OwnState())
        self.tell(emit)

    def declare(self, own: OwnState) -> None:
        """Add what a variant remembers besides: ``own_vm``, ``own_vcpus``, ``own_irqs``."""
        irqs = [*self.private.values(), *self.spis.values()]
        vm, vcpu, irq = (
            part_of(f"Own{kind}", fields)
            for kind, fields in (("Vm", own.vm), ("Vcpu", own.vcpu), ("Irq", own.irq))
        )
        self.own = own
        self.own_vm = vm()
        self.own_vcpus = [vcpu() for _ in range(self.config.vcpus)]
        self.own_irqs = {which: irq() for which in irqs}
        self.groups = self.group_parts()
        if own.vm:
            self.groups["own_vm"] = {0: self.own_vm}
        if own.vcpu:
            self.groups["own_vcpu"] = by_index(self.own_vcpus)
        if own.irq:
            self.groups["own_irq"] = by_index(list(self.own_irqs.values()))
        self.parts = [
            (name if len(group) == 1 and name in SINGLE else f"{name}{i}", part)
            for name, group in self.groups.items()
            for i, part in group.items()
        ]
        self.initial = tuple(part.key() for _, part in self.parts)

    def make_timers(self, config: Config) -> None:
        """Make the timers of each VCPU, and the soft timers that stand in for them.

        ``timers[v][n]`` is timer ``n`` of VCPU ``v`` (struct arch_timer_cpu); those that guests use
        are ``timer_numbers``, those of them in hardware ``direct_timers`` (struct timer_map).
        ``hrtimers[v, n]`` is the soft timer of one that is emulated, and
        with BG_TIMER for ``n`` the background timer.
        """
        vcpus = range(config.vcpus)
        self.timer_numbers = (VTIMER, PTIMER) if config.ptimer else (VTIMER,)
        self.direct_timers = self.timer_numbers if self.direct_ptimer else (VTIMER,)
        self.timers = [
            (
                TimerContext(v, PTIMER, 0),
                TimerContext(v, VTIMER, CNTVOFF_NS, alone=not config.ptimer),
            )
            for v in vcpus
        ]
        self.hrtimers = {(v, BG_TIMER): HrTimer(v, BG_TIMER, 1 << v) for v in vcpus}
        if config.ptimer and not self.direct_ptimer:
            for v in vcpus:
                self.hrtimers[v, PTIMER] = HrTimer(v, PTIMER, 1 << config.vcpus + v)

    def make_virtual_irqs(self, config: Config) -> None:
        """Make KVM's software interrupts: ``private`` by (VCPU, vINTID), and the VM's ``spis``."""
        self.private: dict[tuple[int, int], VgicIrq] = {}
        group = int(config.gic_version == 3)
        for v in range(config.vcpus):
            self.private[v, VTIMER_PPI] = VgicIrq(
                VTIMER_PPI,
                target=v,
                level=True,
                hwintid=VTIMER_PPI,
                priority=config.timer_priority,
                group=group,
                linked=not config.masks,
            )
            for n in config.sgis():
                self.private[v, n] = VgicIrq(
                    n,
                    target=v,
                    level=False,
                    priority=config.sgi_priority,
                    sourced=config.gic_version == 2,
                    group=group,
                )
            if config.ptimer:
                self.private[v, PTIMER_PPI] = VgicIrq(
                    PTIMER_PPI,
                    target=v,
                    level=True,
                    hwintid=PTIMER_PPI if self.direct_ptimer else -1,
                    linked=not config.masks,
                    priority=config.timer_priority,
                    group=group,
                )
        self.spis = {
            f.vintid: VgicIrq(
                f.vintid,
                target=f.vcpu,
                level=f.level,
                hwintid=f.intid if f.is_mapped else -1,
                priority=f.priority,
                group=group,
            )
            for f in config.forwards
        }

    def has_software_levels(self) -> bool:
        """Tell whether KVM has List Registers whose end it asks to be told of (their EOI bit).

        Those are of level interrupts of software (the emulated physical timer's, and devices'), and
        of GICv2 SGIs with several sources.
        """
        config = self.config
        emulates = config.ptimer and not self.direct_ptimer
        if emulates or config.masks:
            return True
        if any(f.level and f.intid < 0 for f in config.forwards):
            return True
        return bool(config.sgis()) and config.gic_version == 2

    def group_parts(self) -> dict[str, dict[int, Part]]:
        """Return every part, by kind and index; the order fixes resource bits and ``key``.

        The kinds are those of ``harness.resources``. The index is that of a CPU, a VCPU or a
        device; of interrupts the INTID, with that of the VCPU above it for private ones.
        """
        irqs = self.private.items()
        return {
            "clock": {0: self.clock},
            "pcpu": by_index(self.pcpus),
            "signal": by_index(self.signals),
            "hw_timer": by_index(self.hw_timers),
            "hw_ptimer": by_index(self.hw_ptimers),
            "channel": by_index(self.messages.channels),
            "ipi": by_index(self.messages.ipis),
            "thread": by_index(self.threads),
            "vgic": by_index(self.vgics),
            "vtimer_irq": {v: irq for (v, n), irq in irqs if n == VTIMER_PPI},
            "vtimer": {v: timers[VTIMER] for v, timers in enumerate(self.timers)},
            "bg_timer": {v: t for (v, n), t in self.hrtimers.items() if n == BG_TIMER},
            "guest": by_index(self.guests),
            "ptimer": {
                v: timers[PTIMER]
                for v, timers in enumerate(self.timers)
                if PTIMER in self.timer_numbers
            },
            "ptimer_hrtimer": {v: t for (v, n), t in self.hrtimers.items() if n == PTIMER},
            "device": by_index(self.devices),
            "forward": by_index(self.forwards),
            "dist": {0: self.dist},
            "ctlr": {} if self.ctlr is None else {0: self.ctlr},
            "its": {} if self.its is None else {0: self.its},
            "vm": {0: self.vm},
            "monitor": {0: self.monitor},
            "sgi_irq": {v << 4 | n: irq for (v, n), irq in irqs if n < SGIS},
            "ptimer_irq": {v: irq for (v, n), irq in irqs if n == PTIMER_PPI},
            "spi_irq": dict(self.spis.items()),
            **self.gic.groups(),
        }

    def irq(self, v: int, intid: int) -> VgicIrq:
        """Return the virtual interrupt ``intid`` as VCPU ``v`` sees it.

        Raises:
            KeyError: there is none.

        """
        return self.spis[intid] if intid >= FIRST_SPI else self.private[v, intid]

    def private_irqs(self, v: int) -> tuple[VgicIrq, ...]:
        """Return the interrupts that only VCPU ``v`` has: its virtual timer's, then the others."""
        return tuple(irq for (w, _), irq in self.private.items() if w == v)

    def tell(self, emit: Callable[[Fact], object] | None) -> None:
        """Give what happens from here on to ``emit``; None: to nobody."""
        for _, part in self.parts:
            if isinstance(part, Telling):
                part.emit = emit
        self.emit = self.gic.emit = self.messages.emit = emit

    def write_active(
        self, c: int, v: int, intid: int, on: bool, *, read_back: bool = False
    ) -> None:
        """irq_set_irqchip_state(IRQCHIP_STATE_ACTIVE) by CPU ``c``, for VCPU ``v``.

        ``read_back``: it reads the register again, so that the write has taken effect. A host that
        masks the timer's interrupt does that instead (timer_irq_set_irqchip_state).
        """
        self.messages.before_access(c)
        if self.config.masks and intid in (VTIMER_PPI, PTIMER_PPI):
            self.gic.set_enable(c, intid, not on)
        else:
            self.messages.send_write(c, intid, on, read_back=read_back)
        if self.emit is not None:
            self.emit(PhysActiveWritten(v, c, intid, on))

    def mask(self, c: int, intid: int, masked: bool) -> None:
        """disable_irq and enable_irq of the host, for an INTID that goes to CPU ``c``."""
        self.gic.set_enable(c, intid, not masked)
        if self.emit is not None:
            self.emit(HostMasked(intid, masked))

    def key(self) -> tuple[object, ...]:
        """Return the whole state as one hashable value."""
        return tuple(part.key() for _, part in self.parts)

    def canonical(self) -> tuple[object, ...]:
        """Return the whole state, without what can never be read again (``Part.canonical``)."""
        return tuple(part.canonical() for _, part in self.parts)

    def restore(self, key: tuple[object, ...]) -> None:
        """Go to the state that ``key`` is the key of."""
        for (_, part), state in zip(self.parts, key, strict=True):
            part.restore(state)

    def reset(self) -> None:
        """Go back to the initial state."""
        self.restore(self.initial)

    def copy(self, emit: Callable[[Fact], object] | None = None) -> "Machine":
        """Return a machine of the same configuration in the same state."""
        other = type(self)(self.config, emit)
        other.declare(self.own)
        other.restore(self.key())
        return other
