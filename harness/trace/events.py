"""What the kernel printed, typed: one class for each event that is understood.

An event's arguments only; when, where and in which line it came is in ``harness.trace.line``. A
number that the kernel did not print is -1 (in a mark of ftrace, an unknown CPU is -1, too).
Levels and bits are bool. Times are nanoseconds, as printed; addresses are the kernel's.
"""

from harness.trace.event import Event
from harness.trace.probes import (
    BgTimerExpire,
    DispatchSgi,
    Flush,
    HostTimerIrq,
    Inject,
    IrqVcpuAffinity,
    KvmHrtimerExpire,
    LrEntry,
    LrExit,
    MapIsActive,
    MapPhys,
    MmioChangeActive,
    PhysGet,
    PhysSet,
    Populate,
    QueueIrq,
    Resample,
    ResetMapped,
    SetPhysActive,
    SetPhysPending,
    Sync,
    TimerIrqEoi,
    TimerLoad,
    TimerPut,
    UnmapPhys,
    VcpuBlock,
    VcpuBlocking,
    VcpuBlockRet,
    VcpuKick,
    VcpuLoad,
    VcpuPut,
    VcpuWakeUp,
    VgicMaint,
)
from harness.trace.recorded import (
    EntryList,
    FlushList,
    FoldLr,
    GuestDir,
    GuestSgir,
    HaltGuest,
    PhysLine,
    RequestAll,
    ResumeGuest,
    SignalSent,
    TimerLine,
    TimerLineAsked,
)

__all__ = [
    "AckIrq",
    "BgTimerExpire",
    "BufferStarted",
    "DispatchSgi",
    "EntryList",
    "Event",
    "Flush",
    "FlushList",
    "FoldLr",
    "GuestDir",
    "GuestEntry",
    "GuestExit",
    "GuestSgir",
    "HaltGuest",
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
    "PhysLine",
    "PhysSet",
    "Populate",
    "QueueIrq",
    "RequestAll",
    "Resample",
    "ResetMapped",
    "ResumeGuest",
    "SetPhysActive",
    "SetPhysPending",
    "SignalSent",
    "Switch",
    "Sync",
    "SysAccess",
    "TimerEmulate",
    "TimerHrtimer",
    "TimerIrqEoi",
    "TimerLine",
    "TimerLineAsked",
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


class SysAccess(Event, frozen=True, gc=False):
    """kvm_sys_access: a system register of the guest trapped, as ``SYS_ICC_DIR_EL1``."""

    register: str
    access: str


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
