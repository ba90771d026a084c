"""What the kernel printed, typed: one class for each event that is understood.

An event's arguments only; when, where and in which line it came is in ``harness.trace.line``. A
number that the kernel did not print is -1 (in a mark of ftrace, an unknown CPU is -1, too).
Levels and bits are bool. Times are nanoseconds, as printed; addresses are the kernel's.
"""

import msgspec

__all__ = [
    "AckIrq",
    "BgTimerExpire",
    "BufferStarted",
    "DispatchSgi",
    "Event",
    "Flush",
    "GuestEntry",
    "GuestExit",
    "HostTimerIrq",
    "HrtimerCancel",
    "HrtimerDone",
    "HrtimerExpire",
    "HrtimerStart",
    "Hvc",
    "Inject",
    "IpiEntry",
    "IpiExit",
    "IpiRaise",
    "IrqEntry",
    "IrqExit",
    "IrqLine",
    "IrqVcpuAffinity",
    "KvmHrtimerExpire",
    "Lost",
    "LrEntry",
    "LrExit",
    "MapIsActive",
    "MapPhys",
    "Mark",
    "Migrate",
    "Mmio",
    "MmioChangeActive",
    "PhysGet",
    "PhysSet",
    "Populate",
    "QueueIrq",
    "Resample",
    "ResetMapped",
    "SetPhysActive",
    "SetPhysPending",
    "Switch",
    "Sync",
    "TimerEmulate",
    "TimerHrtimer",
    "TimerIrqEoi",
    "TimerLoad",
    "TimerMap",
    "TimerPut",
    "TimerRestore",
    "TimerSave",
    "TimerUpdate",
    "UnmapPhys",
    "UpdatePending",
    "UserspaceExit",
    "VcpuBlock",
    "VcpuBlockRet",
    "VcpuBlocking",
    "VcpuKick",
    "VcpuLoad",
    "VcpuPut",
    "VcpuWakeUp",
    "VcpuWakeup",
    "VgicMaint",
    "Wakeup",
    "Waking",
    "Wfx",
]


class Event(msgspec.Struct, frozen=True, gc=False):
    """Base of all events."""


# -- what ftrace says of itself --------------------------------------------------------------------


class Lost(Event, frozen=True, gc=False):
    """``count`` events of CPU ``cpu`` were lost before the next one (-1: how many is not known)."""

    cpu: int
    count: int


class BufferStarted(Event, frozen=True, gc=False):
    """The events of CPU ``cpu`` begin here: what came there before is not in the trace."""

    cpu: int


class Mark(Event, frozen=True, gc=False):
    """tracing_mark_write: what somebody wrote into trace_marker."""

    text: str


# -- events of the kernel: kvm ---------------------------------------------------------------------


class GuestEntry(Event, frozen=True, gc=False):
    """kvm_entry: right before the guest is entered at ``pc``."""

    pc: int


class GuestExit(Event, frozen=True, gc=False):
    """kvm_exit, traced with interrupts on: ``reason`` is "IRQ", "TRAP", ...; ``ec`` the class."""

    reason: str = ""
    ec: int = -1
    pc: int = -1


class TimerUpdate(Event, frozen=True, gc=False):
    """kvm_timer_update_irq: the timer gives the vgic ``level`` for ``intid`` of ``vcpu``."""

    vcpu: int
    intid: int
    level: bool


class UpdatePending(Event, frozen=True, gc=False):
    """vgic_update_irq_pending: the vgic takes ``level`` for ``intid`` of ``vcpu``."""

    vcpu: int
    intid: int
    level: bool


class TimerSave(Event, frozen=True, gc=False):
    """kvm_timer_save_state; ``timer`` is the index of the context, 1 is the virtual timer."""

    ctl: int
    cval: int
    timer: int


class TimerRestore(Event, frozen=True, gc=False):
    """kvm_timer_restore_state; ``timer`` as above."""

    ctl: int
    cval: int
    timer: int


class TimerEmulate(Event, frozen=True, gc=False):
    """kvm_timer_emulate: the emulated timer ``timer`` fires, or a soft timer is set for it."""

    timer: int
    should_fire: bool


class TimerHrtimer(Event, frozen=True, gc=False):
    """kvm_timer_hrtimer_expire: the soft timer of an emulated timer expired."""

    timer: int


class TimerMap(Event, frozen=True, gc=False):
    """kvm_get_timer_map: which contexts of ``vcpu`` are in hardware and which are emulated."""

    vcpu: int
    dv: int
    dp: int
    ep: int
    ev: int = -1


class Wfx(Event, frozen=True, gc=False):
    """kvm_wfx_arm64: a WFI (``wfi``) or a WFE of the guest trapped."""

    wfi: bool


class VcpuWakeup(Event, frozen=True, gc=False):
    """kvm_vcpu_wakeup: the VCPU's thread goes on after ``ns``; ``waited``: it slept, not polled."""

    waited: bool
    ns: int


class UserspaceExit(Event, frozen=True, gc=False):
    """kvm_userspace_exit; ``reason`` is KVM's name, as KVM_EXIT_MMIO."""

    reason: str


class IrqLine(Event, frozen=True, gc=False):
    """kvm_irq_line: user space set a line; ``kind`` is as printed, "VGIC SPI"."""

    kind: str
    vcpu: int
    num: int
    level: bool


class AckIrq(Event, frozen=True, gc=False):
    """kvm_ack_irq: the guest completed a level interrupt of pin ``pin``; it is resampled."""

    pin: int


class Mmio(Event, frozen=True, gc=False):
    """kvm_mmio; ``kind`` is "read", "write" or "unsatisfied-read"."""

    kind: str
    len: int
    gpa: int
    val: int


class Hvc(Event, frozen=True, gc=False):
    """kvm_hvc_arm64: a hypercall; ``r0`` is the function (PSCI's among them)."""

    r0: int


# -- events of the kernel: interrupts, timers, scheduler -------------------------------------------


class IrqEntry(Event, frozen=True, gc=False):
    """irq_handler_entry: ``irq`` is the host's own number, ``name`` as in /proc/interrupts."""

    irq: int
    name: str


class IrqExit(Event, frozen=True, gc=False):
    """irq_handler_exit."""

    irq: int


class IpiRaise(Event, frozen=True, gc=False):
    """ipi_raise (or ipi_send_cpu): ``targets`` has a bit per CPU."""

    targets: int
    reason: str


class IpiEntry(Event, frozen=True, gc=False):
    """ipi_entry."""

    reason: str


class IpiExit(Event, frozen=True, gc=False):
    """ipi_exit."""

    reason: str


class HrtimerStart(Event, frozen=True, gc=False):
    """hrtimer_start; ``expires`` is on the timer's own clock."""

    hrtimer: int
    function: str
    expires: int


class HrtimerCancel(Event, frozen=True, gc=False):
    """hrtimer_cancel."""

    hrtimer: int


class HrtimerExpire(Event, frozen=True, gc=False):
    """hrtimer_expire_entry."""

    hrtimer: int
    function: str
    now: int


class HrtimerDone(Event, frozen=True, gc=False):
    """hrtimer_expire_exit."""

    hrtimer: int


class Switch(Event, frozen=True, gc=False):
    """sched_switch; ``prev_state`` is as printed: "R", "S", "D", "R+", ..."""

    prev_comm: str
    prev_pid: int
    prev_state: str
    next_comm: str
    next_pid: int


class Waking(Event, frozen=True, gc=False):
    """sched_waking: somebody asks to wake ``pid``."""

    comm: str
    pid: int


class Wakeup(Event, frozen=True, gc=False):
    """sched_wakeup: it is runnable."""

    comm: str
    pid: int


class Migrate(Event, frozen=True, gc=False):
    """sched_migrate_task."""

    comm: str
    pid: int
    orig_cpu: int
    dest_cpu: int


# -- kprobe events: see the README of the traces ---------------------------------------------------


class VcpuLoad(Event, frozen=True, gc=False):
    """kvm_arch_vcpu_load begins."""

    vcpu: int
    cpu: int = -1


class VcpuPut(Event, frozen=True, gc=False):
    """kvm_arch_vcpu_put begins."""

    vcpu: int


class VcpuBlocking(Event, frozen=True, gc=False):
    """kvm_arch_vcpu_blocking: it will wait."""

    vcpu: int


class VcpuBlock(Event, frozen=True, gc=False):
    """kvm_vcpu_block begins."""

    vcpu: int


class VcpuBlockRet(Event, frozen=True, gc=False):
    """kvm_vcpu_block returns; ``waited``: it slept."""

    waited: bool = False


class VcpuWakeUp(Event, frozen=True, gc=False):
    """kvm_vcpu_wake_up."""

    vcpu: int


class VcpuKick(Event, frozen=True, gc=False):
    """kvm_vcpu_kick."""

    vcpu: int


class TimerLoad(Event, frozen=True, gc=False):
    """kvm_timer_vcpu_load begins: level and "loaded" of the two timers as they are then."""

    vcpu: int
    vlevel: bool | None = None
    vloaded: bool | None = None
    plevel: bool | None = None
    ploaded: bool | None = None


class TimerPut(Event, frozen=True, gc=False):
    """kvm_timer_vcpu_put begins."""

    vcpu: int
    vlevel: bool | None = None
    vloaded: bool | None = None
    plevel: bool | None = None
    ploaded: bool | None = None


class BgTimerExpire(Event, frozen=True, gc=False):
    """kvm_bg_timer_expire begins."""


class KvmHrtimerExpire(Event, frozen=True, gc=False):
    """kvm_hrtimer_expire begins: the soft timer of an emulated timer."""


class HostTimerIrq(Event, frozen=True, gc=False):
    """kvm_arch_timer_handler begins, in the host's interrupt ``irq``, for ``vcpu``."""

    irq: int = -1
    vcpu: int = -1
    vlevel: bool | None = None
    vloaded: bool | None = None
    plevel: bool | None = None
    ploaded: bool | None = None


class Inject(Event, frozen=True, gc=False):
    """kvm_vgic_inject_irq begins."""

    cpuid: int
    intid: int
    level: bool
    owner: int = -1


class QueueIrq(Event, frozen=True, gc=False):
    """vgic_queue_irq_unlock begins: the software state of ``intid`` as it is then.

    ``cur_vcpu`` is 0 if it is on no list, ``tgt_id`` the id of the VCPU that it goes to.
    """

    intid: int
    line: bool | None = None
    latch: bool | None = None
    active: bool | None = None
    enabled: bool | None = None
    hw: bool | None = None
    cur_vcpu: int = -1
    tgt_id: int = -1


class Populate(Event, frozen=True, gc=False):
    """vgic_v2_populate_lr, vgic_v3_populate_lr (``version``) begins: what is to go into ``lr``."""

    version: int
    vcpu: int
    lr: int
    intid: int
    line: bool | None = None
    latch: bool | None = None
    active: bool | None = None
    enabled: bool | None = None
    hw: bool | None = None
    hwintid: int = -1
    cfg: int = -1


class Flush(Event, frozen=True, gc=False):
    """kvm_vgic_flush_hwstate begins; ``v_*`` is the virtual timer's interrupt in software."""

    vcpu: int
    v_line: bool | None = None
    v_latch: bool | None = None
    v_active: bool | None = None
    v_en: bool | None = None
    v_hw: bool | None = None


class Sync(Event, frozen=True, gc=False):
    """kvm_vgic_sync_hwstate begins."""

    vcpu: int


class LrEntry(Event, frozen=True, gc=False):
    """The List Registers in memory after the flush; those from ``used`` on are stale."""

    vcpu: int
    used: int
    lrs: tuple[int, ...]
    hcr: int = -1
    v_line: bool | None = None
    v_latch: bool | None = None
    v_active: bool | None = None
    v_en: bool | None = None
    v_hw: bool | None = None


class LrExit(Event, frozen=True, gc=False):
    """The List Registers as the guest left them, at the fold; ``version`` is 2 or 3."""

    version: int
    vcpu: int
    used: int
    lrs: tuple[int, ...]
    hcr: int = -1
    v_line: bool | None = None
    v_latch: bool | None = None
    v_active: bool | None = None
    v_en: bool | None = None
    v_hw: bool | None = None


class PhysSet(Event, frozen=True, gc=False):
    """irq_set_irqchip_state of the host's ``irq``; ``which``: 0 pending, 1 active, 2 masked."""

    irq: int
    which: int
    val: bool


class PhysGet(Event, frozen=True, gc=False):
    """irq_get_irqchip_state."""

    irq: int
    which: int


class SetPhysActive(Event, frozen=True, gc=False):
    """vgic_irq_set_phys_active: an access of the guest changes the physical active state."""

    intid: int
    val: bool
    hw: bool | None = None
    active: bool | None = None
    enabled: bool | None = None


class SetPhysPending(Event, frozen=True, gc=False):
    """vgic_irq_set_phys_pending."""

    intid: int
    val: bool
    hw: bool | None = None


class Resample(Event, frozen=True, gc=False):
    """vgic_irq_handle_resampling begins, in the fold of ``intid``."""

    intid: int
    line: bool | None = None
    latch: bool | None = None
    active: bool | None = None
    hw: bool | None = None
    lr_deact: bool | None = None
    lr_pend: bool | None = None


class MapPhys(Event, frozen=True, gc=False):
    """kvm_vgic_map_phys_irq: ``vintid`` of ``vcpu`` stands for the host's ``host_irq``."""

    vcpu: int
    host_irq: int
    vintid: int


class UnmapPhys(Event, frozen=True, gc=False):
    """kvm_vgic_unmap_phys_irq."""

    vcpu: int
    vintid: int


class ResetMapped(Event, frozen=True, gc=False):
    """kvm_vgic_reset_mapped_irq: a reset of ``vcpu``'s timer."""

    vcpu: int
    vintid: int


class MapIsActive(Event, frozen=True, gc=False):
    """kvm_vgic_map_is_active: the load asks whether the guest has ``vintid`` active."""

    vcpu: int
    vintid: int


class VgicMaint(Event, frozen=True, gc=False):
    """vgic_maintenance_handler begins."""


class TimerIrqEoi(Event, frozen=True, gc=False):
    """timer_irq_eoi begins (a host whose GIC has no usable active state)."""


class IrqVcpuAffinity(Event, frozen=True, gc=False):
    """irq_set_vcpu_affinity: the host's ``irq`` is given to a VCPU, or taken back."""

    irq: int


class MmioChangeActive(Event, frozen=True, gc=False):
    """vgic_mmio_change_active: ``vcpu`` writes the active state of ``intid``."""

    vcpu: int
    intid: int
    val: bool
    active: bool | None = None
    enabled: bool | None = None
    hw: bool | None = None


class DispatchSgi(Event, frozen=True, gc=False):
    """vgic_v3_dispatch_sgi: ``vcpu`` wrote ``reg`` to ICC_SGI1R_EL1."""

    vcpu: int
    reg: int
