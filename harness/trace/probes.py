"""The kprobe events ``kp:*``: function entries, with arguments by register, typed.

``harness/trace/setup/README.md`` lists the functions and fields; ``harness.trace.events`` says what
all have in common. Where the kernel that was traced has no such field, or the trace was recorded
otherwise, a field has its default. ``prio`` to ``on_lr`` are the rest of an interrupt's software
state: priority, group, the sources of a GICv2 SGI (a mask; ``asrc``: the active one), its targets,
and whether it is in a List Register. ``mode`` and ``req`` are the VCPU's (0: outside its guest, 1:
in it, 2: leaving it) and the requests made of it, ``vmcr`` its VMCR in memory.
"""

from harness.trace.event import Event

__all__ = [
    "BgTimerExpire",
    "DispatchSgi",
    "Flush",
    "HostTimerIrq",
    "Inject",
    "IrqVcpuAffinity",
    "KvmHrtimerExpire",
    "LrEntry",
    "LrExit",
    "MapIsActive",
    "MapPhys",
    "MmioChangeActive",
    "PhysGet",
    "PhysSet",
    "Populate",
    "QueueIrq",
    "Resample",
    "ResetMapped",
    "SetPhysActive",
    "SetPhysPending",
    "Sync",
    "TimerIrqEoi",
    "TimerLoad",
    "TimerPut",
    "UnmapPhys",
    "VcpuBlock",
    "VcpuBlockRet",
    "VcpuBlocking",
    "VcpuKick",
    "VcpuLoad",
    "VcpuPut",
    "VcpuWakeUp",
    "VgicMaint",
]


class VcpuLoad(Event, frozen=True, gc=False):
    """kvm_arch_vcpu_load begins."""

    vcpu: int
    cpu: int = -1
    vmcr: int = -1
    model: int = -1
    dist: int = -1
    enabled: bool | None = None


class VcpuPut(Event, frozen=True, gc=False):
    """kvm_arch_vcpu_put begins."""

    vcpu: int


class VcpuBlocking(Event, frozen=True, gc=False):
    """kvm_arch_vcpu_blocking: it will wait."""

    vcpu: int


class VcpuBlock(Event, frozen=True, gc=False):
    """kvm_vcpu_block begins."""

    vcpu: int
    vmcr: int = -1


class VcpuBlockRet(Event, frozen=True, gc=False):
    """kvm_vcpu_block returns; ``waited``: it slept."""

    waited: bool = False


class VcpuWakeUp(Event, frozen=True, gc=False):
    """kvm_vcpu_wake_up."""

    vcpu: int
    mode: int = -1
    req: int = -1


class VcpuKick(Event, frozen=True, gc=False):
    """kvm_vcpu_kick."""

    vcpu: int
    mode: int = -1
    req: int = -1
    cpu: int = -1


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

    vcpu: int = -1


class KvmHrtimerExpire(Event, frozen=True, gc=False):
    """kvm_hrtimer_expire begins: the soft timer of an emulated timer."""

    vcpu: int = -1
    level: bool | None = None
    timer: int = -1


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
    cfg: int = -1
    prio: int = -1
    group: int = -1
    src: int = -1
    asrc: int = -1
    targets: int = -1
    on_lr: bool | None = None
    cur_id: int = -1


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
    prio: int = -1
    group: int = -1
    src: int = -1
    asrc: int = -1
    targets: int = -1
    on_lr: bool | None = None


class Flush(Event, frozen=True, gc=False):
    """kvm_vgic_flush_hwstate begins; ``v_*`` is the virtual timer's interrupt in software."""

    vcpu: int
    v_line: bool | None = None
    v_latch: bool | None = None
    v_active: bool | None = None
    v_en: bool | None = None
    v_hw: bool | None = None
    mode: int = -1
    req: int = -1
    vmcr: int = -1


class Sync(Event, frozen=True, gc=False):
    """kvm_vgic_sync_hwstate begins."""

    vcpu: int
    mode: int = -1
    req: int = -1


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
    mode: int = -1
    req: int = -1
    vmcr: int = -1


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
    mode: int = -1
    req: int = -1
    vmcr: int = -1


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
    line: bool | None = None
    latch: bool | None = None
    prio: int = -1
    group: int = -1
    src: int = -1
    asrc: int = -1
    targets: int = -1
    on_lr: bool | None = None


class SetPhysPending(Event, frozen=True, gc=False):
    """vgic_irq_set_phys_pending."""

    intid: int
    val: bool
    hw: bool | None = None
    line: bool | None = None
    latch: bool | None = None
    active: bool | None = None
    enabled: bool | None = None
    prio: int = -1
    group: int = -1
    src: int = -1
    asrc: int = -1
    targets: int = -1
    on_lr: bool | None = None


class Resample(Event, frozen=True, gc=False):
    """vgic_irq_handle_resampling begins, in the fold of ``intid``."""

    intid: int
    line: bool | None = None
    latch: bool | None = None
    active: bool | None = None
    hw: bool | None = None
    lr_deact: bool | None = None
    lr_pend: bool | None = None
    enabled: bool | None = None
    hwintid: int = -1
    cfg: int = -1
    prio: int = -1
    group: int = -1
    src: int = -1
    asrc: int = -1
    targets: int = -1
    on_lr: bool | None = None


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
    line: bool | None = None
    latch: bool | None = None
    hwintid: int = -1
    cfg: int = -1
    prio: int = -1
    group: int = -1
    src: int = -1
    asrc: int = -1
    targets: int = -1
    on_lr: bool | None = None


class DispatchSgi(Event, frozen=True, gc=False):
    """vgic_v3_dispatch_sgi: ``vcpu`` wrote ``reg`` to ICC_SGI1R_EL1."""

    vcpu: int
    reg: int
