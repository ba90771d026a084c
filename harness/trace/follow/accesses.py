"""The guest's accesses to its distributor, and the physical state that KVM changes for them.

Where the distributor is in the guest's memory is not in a trace. A page becomes known as one of its
frames when an access to it has an effect that only the distributor has.
"""

from harness.trace.events import (
    Event,
    FlushList,
    GuestExit,
    GuestSgir,
    HaltGuest,
    IpiRaise,
    MapPhys,
    Mmio,
    MmioChangeActive,
    PhysLine,
    PhysSet,
    QueueIrq,
    RequestAll,
    ResumeGuest,
    TimerLine,
    TimerLineAsked,
    UserspaceExit,
    VcpuPut,
)
from harness.trace.follow.base import Shared
from harness.trace.follow.context import run
from harness.trace.follow.fields import Fields
from harness.trace.follow.kernels import OVERFLOW
from harness.trace.follow.state import (
    ACTIVE,
    ENABLED,
    GROUP,
    HW,
    LATCH,
    LEVEL,
    LISTED,
    PRIORITY,
    TARGET,
    Flow,
    TracedIrq,
    Vcpu,
)
from model.gic.registers import PRIORITY_MASK

__all__ = ["Accesses"]

PER_BIT = ((0x080, GROUP), (0x180, ENABLED), (0x280, LATCH))
"""Registers of one bit per interrupt whose writes have no event of their own."""
PER_BYTE = ((0x400, PRIORITY), (0x800, TARGET))
CONFIGURATION = 0xC00
ROUTERS = 0x6000
SGIR = 0xF00
SYS64 = 0x18
"""The exception class of a trapped system register."""
MOST = 1020
GICV3_MODEL = 7
"""KVM_DEV_TYPE_ARM_VGIC_V3; that of a GICv2 is 5."""
WITHIN_ACCESS = frozenset({GuestSgir, HaltGuest, RequestAll, TimerLine, TimerLineAsked, PhysLine})
"""What may come between a guest's access and what shows its effect."""


class Accesses(Fields):
    """vgic-mmio.c: what its writes do."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.frames: dict[int, int] = {}
        self.distributor = -1
        self.told_halt: bool | None = None

    def sends(self, ev: Mmio) -> bool:
        """Tell whether a write is one to GICD_SGIR: of a GICv2, in a frame that is known."""
        return self.machine.version == 2 and ev.gpa & 0xFFFF == SGIR and ev.gpa >> 16 in self.frames

    def end_mmio(self, flow: Flow, ev: Event) -> bool:
        """Say what a write did, now that it shows who took it: the kernel or user space."""
        access, vc = flow.mmio, flow.vcpu
        if type(ev) in WITHIN_ACCESS or (flow.halted and type(ev) is IpiRaise):
            return False
        if access is None or vc is None or type(ev) in (VcpuPut, UserspaceExit):
            flow.mmio = None
            return True
        frame, register = access.gpa >> 16, access.gpa & 0xFFFF
        if isinstance(ev, QueueIrq):
            self.frames[frame] = ev.tgt_id if ev.intid < 32 else -1
        elif isinstance(ev, MmioChangeActive):
            self.frames.setdefault(frame, -1)
        else:
            self.silent(vc, frame, register, access)
        return True

    def silent(self, vc: Vcpu, frame: int, register: int, access: Mmio) -> None:
        """Follow a write that has no event of its own, if it was one to the distributor."""
        for base, field in PER_BIT:
            if base <= register < base + 0x80:
                first = (register - base) * 8
                for n in range(access.len * 8):
                    if access.val >> n & 1 or field == GROUP:
                        self.written(vc, frame, first + n, field)
                return
        for base, field in PER_BYTE:
            if base <= register < base + 0x400:
                for n in range(access.len):
                    value = access.val >> 8 * n & 0xFF
                    self.written(vc, frame, register - base + n, field, value)
                return
        if CONFIGURATION <= register < CONFIGURATION + 0x100:
            for n in range(access.len * 4):
                self.written(vc, frame, (register - CONFIGURATION) * 4 + n, LEVEL)
        elif ROUTERS <= register < ROUTERS + 8 * MOST and not register & 4:
            self.written(vc, frame, (register - ROUTERS) // 8, TARGET, access.val)

    def written(self, vc: Vcpu, frame: int, intid: int, field: int, value: int = 0) -> None:
        """Follow the write of one interrupt's ``field``: in a known frame what it does is known."""
        if intid >= MOST or (intid < 32 and field in (LEVEL, TARGET)):
            return
        known = frame in self.frames
        if intid < 32 and frame == self.distributor and self.machine.version == 3:
            return  # there are no private interrupts in the distributor of a GICv3
        if intid < 32:
            owner = self.frames.get(frame, -1)
            owners = [owner] if owner >= 0 else list(self.vcpus)
            if self.machine.version == 2:
                owners = [vc.v]
            for v in owners:
                irq = self.machine.private.get((v, intid))
                if isinstance(irq, TracedIrq):
                    self.change(vc, irq, field, value, sure=known and len(owners) == 1)
            return
        irq = self.machine.spis.get(intid)
        if isinstance(irq, TracedIrq):
            self.change(vc, irq, field, value, sure=known)

    def change(self, vc: Vcpu, irq: TracedIrq, field: int, value: int, *, sure: bool) -> None:
        """Have the hypervisor carry out a write, or know the field no more."""
        irq.touched = self.at
        if sure and field == ENABLED:
            run(self.kvm.write_enable(vc.t, irq, False))
            irq.known |= ENABLED
        elif sure and field == LATCH:
            run(self.kvm.write_pending(vc.t, irq, False))
        elif sure and field == PRIORITY:
            irq.priority = value & PRIORITY_MASK  # KVM keeps five bits
            irq.known |= PRIORITY
        elif sure and field == TARGET:
            target = self.routed(value)
            irq.known &= ~TARGET
            if target in self.vcpus:
                run(self.kvm.write_target(vc.t, irq, target))
                irq.known |= TARGET
        else:
            irq.known &= ~field

    def routed(self, value: int) -> int:
        """Return the VCPU that a write to IROUTER, or of a byte to ITARGETSR, routes to."""
        if self.machine.version == 2:
            return (value & -value).bit_length() - 1 if value else 0
        return value & 0xF | (value >> 8 & 0xFF) << 4 | (value >> 16 & 0xFF) << 12

    def on_vm(self, model: int, dist: int) -> None:
        """Learn which GIC the guest has, and where its distributor is."""
        self.set_version(3 if model == GICV3_MODEL else 2)
        self.distributor = dist >> 16
        self.frames[self.distributor] = -1

    def on_guest_exit(self, flow: Flow, ev: GuestExit) -> None:
        """A trapped register may be DIR (since 6.19): what is active and in none is not known.

        A trace that shows lists shows DIR as well.
        """
        if ev.ec != SYS64 or not self.shared.kernel.has(OVERFLOW) or FlushList in self.kinds:
            return
        for irq in self.machine.irqs():
            if irq.active and not irq.on_lr:
                irq.known &= ~(ACTIVE | LATCH | LISTED)
                irq.touched = self.at

    # -- active ----------------------------------------------------------------------------------

    def on_halt(self, flow: Flow, ev: HaltGuest) -> None:
        """All guests are halted for an access in this flow."""
        flow.halted = True

    def on_resume(self, flow: Flow, ev: ResumeGuest) -> None:
        """They go on."""
        flow.halted = False

    def halts(self, halt: bool) -> None:
        """Note whether the guests would be halted for an access."""
        self.told_halt = halt

    def on_change_active(self, flow: Flow, ev: MmioChangeActive) -> None:
        """A write to ISACTIVER or ICACTIVER takes effect."""
        vc = self.thread(flow, ev.vcpu)
        irq = self.irq(vc.v, ev.intid)
        self.check_state(
            "state at ISACTIVER", irq, vc.v, (ev.line, ev.latch, ev.active, ev.enabled, ev.hw)
        )
        self.check_more(irq, vc.v, ev)
        self.check_on_lr(irq, vc.v, ev.on_lr)
        self.told_halt = None
        if not ev.val:
            self.expected_phys = []
            run(self.kvm.change_active(vc.t, irq, False))
            flow.phys, self.expected_phys = self.expected_phys, []  # not what comes later
            irq.known |= ACTIVE
            irq.touched = self.at
            if HaltGuest in self.kinds:
                self.tally.compare("guests halted", self.told_halt, flow.halted, vc.v, irq.intid)

    expected_phys: list[tuple[int, bool]]

    # -- the physical state ----------------------------------------------------------------------

    def other_phys_set(self, flow: Flow, ev: PhysSet) -> None:
        """A write of the physical active state that is neither a load's nor a resample's."""
        if ev.which != 1:
            return
        if flow.phys:
            intid, active = flow.phys.pop(0)
            vc = flow.vcpu
            v = -1 if vc is None else vc.v
            self.tally.compare("physical active", int(active), int(ev.val), v, intid)
        elif flow.mmio is not None and not ev.val:
            flow.released = True
        else:
            self.tally.unknown("physical active", "why it is written is not shown")

    def on_map_phys(self, flow: Flow, ev: MapPhys) -> None:
        """kvm_vgic_map_phys_irq: the interrupt stands for a physical one from here on."""
        irq = self.irq(ev.vcpu, ev.vintid)
        irq.hw = irq.linked = True
        irq.known |= HW
        if irq.hwintid < 0:
            irq.hwintid = ev.vintid
