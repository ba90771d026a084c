"""The probes that show what KVM decides: one line per event, as the script's awk reads it.

A probe has a name, the functions one of which it sits on (the first that the kernel has), and its
fields: a name and an expression over the function's parameters (``btf.awk`` has the grammar). The
names of the fields that the traces of Linux 6.1 had are kept; what came later stands behind them.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["EVENTS", "STANDARD", "Probe", "table"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A kprobe event: what it is called, where it sits, what it prints.

    ``functions`` are alternatives, ``fields`` pairs of a name and an expression. ``at`` is ``p``
    for a function's entry, ``r`` for its return.
    """

    name: str
    functions: tuple[str, ...]
    fields: tuple[str, ...]
    at: Literal["p", "r"] = "p"

    def line(self) -> str:
        """One line of the table."""
        return " ".join((self.at, self.name, "|".join(self.functions), *self.fields))


def _fields(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_VCPU = "vcpu=vcpu.vcpu_id"
_RUN = "mode=vcpu.mode req=vcpu.requests:x64"
"""Whether the VCPU is in its guest (1 from the check before entry on), and its requests."""

_IRQ = "intid=irq.intid line=irq.line_level latch=irq.pending_latch active=irq.active"
_IRQ_ENABLED = f"{_IRQ} enabled=irq.enabled hw=irq.hw"
_IRQ_FULL = f"{_IRQ_ENABLED} hwintid=irq.hwintid cfg=irq.config"
_IRQ_MORE = (
    "prio=irq.priority group=irq.group src=irq.source:x8 asrc=irq.active_source"
    " targets=irq.targets:x8 on_lr=irq.on_lr"
)
_CPUIF = "vcpu.arch.vgic_cpu.vgic_v%"
_LRS = " ".join(f"lr{n}={_CPUIF}.vgic_lr[{n}]:x" for n in range(16))
"""As many as the machine has are kept. ``x``: hexadecimal, of the size that the field has."""

_PPI = "vcpu.arch.vgic_cpu.private_irqs[27]"
_VTIMER = (
    f"v_line={_PPI}.line_level v_latch={_PPI}.pending_latch v_active={_PPI}.active"
    f" v_en={_PPI}.enabled v_hw={_PPI}.hw"
)
_TIMERS = "vcpu.arch.timer_cpu.timers"
_LINES = (
    f"vlevel={_TIMERS}[1].irq.level vloaded={_TIMERS}[1].loaded"
    f" plevel={_TIMERS}[0].irq.level ploaded={_TIMERS}[0].loaded"
)
_RUNNING = "dev_id^kvm_vcpu"
_LIST_LENGTH = 8


def _ap_list() -> str:
    """The list of what is active or pending: its head, its nodes, and the INTID of each."""
    head = "vcpu.arch.vgic_cpu.ap_list_head"
    nodes = [f"{head}{'.next' * n}" for n in range(1, _LIST_LENGTH + 1)]
    shown = [f"head={nodes[0]}.prev"]
    for n, node in enumerate(nodes):
        shown += [f"n{n}={node}", f"i{n}={node}@vgic_irq/ap_list.intid"]
    return " ".join(shown)


def _vcpu(name: str, functions: str, more: str = "") -> Probe:
    return Probe(name, tuple(functions.split()), _fields(f"{_VCPU} {more}"))


def _irq(name: str, functions: str, more: str = "", *, before: str = "") -> Probe:
    fields = f"{before} {_IRQ_FULL} {more} {_IRQ_MORE}"
    return Probe(name, tuple(functions.split()), _fields(fields))


_ENTRY = "kvm_arm_setup_debug kvm_arch_vcpu_ctxflush_fp"
"""Called between the flush and the entry, with interrupts off: the first is gone in 6.15."""

_FOLD = {2: "vgic_v2_fold_lr_state", 3: "vgic_v3_fold_lr_state"}
_LR_STATE = f"hcr={_CPUIF}.vgic_hcr:x32 used={_CPUIF}.used_lrs {_LRS} {_VTIMER}"
_VMCR = f"vmcr={_CPUIF}.vgic_vmcr:x32"

_SCHEDULING = (
    _vcpu(
        "vcpu_load",
        "kvm_arch_vcpu_load",
        f"cpu=cpu {_VMCR} model=vcpu.kvm.arch.vgic.vgic_model"
        " dist=vcpu.kvm.arch.vgic.vgic_dist_base:x64 enabled=vcpu.kvm.arch.vgic.enabled",
    ),
    _vcpu("vcpu_put", "kvm_arch_vcpu_put"),
    _vcpu("vcpu_blocking", "kvm_arch_vcpu_blocking"),
    _vcpu("vcpu_block", "kvm_vcpu_block", _VMCR),
    Probe("vcpu_block_ret", ("kvm_vcpu_block",), ("waited=$retval:u8",), "r"),
    _vcpu("vcpu_wake_up", "kvm_vcpu_wake_up", _RUN),
    _vcpu("vcpu_kick", "kvm_vcpu_kick __kvm_vcpu_kick", f"{_RUN} cpu=vcpu.cpu"),
    Probe("req_all", ("kvm_make_all_cpus_request",), ("req=req:x32",)),
    Probe("halt_guest", ("kvm_arm_halt_guest",), ("kvm=kvm:x64",)),
    Probe("resume_guest", ("kvm_arm_resume_guest",), ("kvm=kvm:x64",)),
)

_TIMER = (
    _vcpu("timer_load", "kvm_timer_vcpu_load", _LINES),
    _vcpu("timer_put", "kvm_timer_vcpu_put", _LINES),
    Probe(
        "bg_timer_expire",
        ("kvm_bg_timer_expire",),
        ("vcpu=hrt@kvm_vcpu/arch/timer_cpu/bg_timer.vcpu_id",),
    ),
    Probe(
        "hrtimer_expire",
        ("kvm_hrtimer_expire",),
        _fields(
            "vcpu=hrt@arch_timer_context/hrtimer.vcpu.vcpu_id"
            " level=hrt@arch_timer_context/hrtimer.irq.level"
            " timer=hrt@arch_timer_context/hrtimer.timer_id"
        ),
    ),
    Probe(
        "host_timer_irq",
        ("kvm_arch_timer_handler",),
        _fields(f"irq=irq vcpu={_RUNNING}.vcpu_id {_LINES.replace('vcpu.', f'{_RUNNING}.')}"),
    ),
    Probe("timer_irq_eoi", ("timer_irq_eoi",), _fields("irq=d.irq hwirq=d.hwirq:u32")),
    Probe(
        "irq_vcpu_affinity",
        ("timer_irq_set_vcpu_affinity",),
        _fields("irq=d.irq hwirq=d.hwirq:u32 to=vcpu:x64"),
    ),
    Probe("timer_line", ("kvm_arch_timer_get_input_level",), ("vintid=vintid:u32",)),
    Probe("timer_line_ret", ("kvm_arch_timer_get_input_level",), ("level=$retval:u8",), "r"),
)

_INJECTION = (
    Probe(
        "inject",
        ("kvm_vgic_inject_irq",),
        _fields("cpuid=vcpu.vcpu_id|cpuid intid=intid level=level owner=owner:x64 for=vcpu:x64"),
    ),
    Probe(
        "queue_irq",
        ("vgic_queue_irq_unlock(kvm=kvm,irq=vgic_irq)",),
        _fields(
            f"{_IRQ_ENABLED} cur_vcpu=irq.vcpu tgt_id=irq.target_vcpu.vcpu_id cfg=irq.config"
            f" {_IRQ_MORE} cur_id=irq.vcpu.vcpu_id target=irq.target_vcpu"
        ),
    ),
    _vcpu("guest_dispatch_sgi", "vgic_v3_dispatch_sgi", "reg=reg:x64"),
    Probe("guest_sgir", ("vgic_mmio_write_sgir",), _fields("vcpu=source_vcpu.vcpu_id val=val:x32")),
    _vcpu("guest_dir", "vgic_v3_deactivate", "val=val:x32"),
    _irq("mmio_change_active", "vgic_mmio_change_active", "val=active", before=_VCPU),
    _irq("set_phys_active", "vgic_irq_set_phys_active", "val=active"),
    _irq("set_phys_pending", "vgic_irq_set_phys_pending", "val=pending"),
    Probe("phys_set", ("irq_set_irqchip_state",), _fields("irq=irq which=which val=val")),
    Probe("phys_get", ("irq_get_irqchip_state",), _fields("irq=irq which=which")),
    _vcpu("map_phys", "kvm_vgic_map_phys_irq", "host_irq=host_irq vintid=vintid"),
    _vcpu("unmap_phys", "kvm_vgic_unmap_phys_irq", "vintid=vintid"),
    _vcpu("reset_mapped", "kvm_vgic_reset_mapped_irq", "vintid=vintid"),
    _vcpu("map_is_active", "kvm_vgic_map_is_active", "vintid=vintid"),
)

_REGISTERS = (
    _vcpu("flush", "kvm_vgic_flush_hwstate", f"{_VTIMER} {_RUN} {_VMCR}"),
    _vcpu("flush_list", "kvm_vgic_flush_hwstate", _ap_list()),
    *(
        _irq(f"populate_lr{gic}", f"vgic_v{gic}_populate_lr", before=f"{_VCPU} lr=lr")
        for gic in (2, 3)
    ),
    _vcpu("lr_entry", _ENTRY, f"{_LR_STATE} {_RUN} {_VMCR}"),
    _vcpu("entry_list", _ENTRY, _ap_list()),
    _vcpu("sync", "kvm_vgic_sync_hwstate", _RUN),
    _vcpu("lr_exit", "vgic_v%_fold_lr_state", f"{_LR_STATE} {_RUN} {_VMCR}"),
    _vcpu("fold_lr", "vgic_v%_fold_lr", "val=val:x64"),
    Probe(
        "resample",
        ("vgic_irq_handle_resampling",),
        _fields(
            f"{_IRQ} hw=irq.hw lr_deact=lr_deactivated lr_pend=lr_pending"
            f" enabled=irq.enabled hwintid=irq.hwintid cfg=irq.config {_IRQ_MORE}"
        ),
    ),
    Probe("phys_line_ret", ("vgic_get_phys_line_level",), ("level=$retval:u8",), "r"),
    Probe("maint", ("vgic_maintenance_handler",), ("irq=irq",)),
)

_MACHINE = Probe(
    "machine",
    ("do_sys_openat2", "do_sys_open"),
    _fields(
        "type=&kvm_vgic_global_state/vgic_global.type"
        " nr_lr=&kvm_vgic_global_state/vgic_global.nr_lr"
    ),
)
"""Read once, before the recording: the host's GIC (0 for GICv2) and how many List Registers."""

EVENTS: tuple[Probe, ...] = (_MACHINE, *_SCHEDULING, *_TIMER, *_INJECTION, *_REGISTERS)

STANDARD: tuple[str, ...] = (
    "kvm",
    "irq/irq_handler_entry",
    "irq/irq_handler_exit",
    "ipi",
    "timer/hrtimer_start",
    "timer/hrtimer_cancel",
    "timer/hrtimer_expire_entry",
    "timer/hrtimer_expire_exit",
    "sched/sched_switch",
    "sched/sched_waking",
    "sched/sched_migrate_task",
    "signal/signal_generate",
    "signal/signal_deliver",
)
"""The kernel's own events that are recorded with them."""


def table() -> str:
    """The table, one event a line."""
    return "".join(f"{probe.line()}\n" for probe in EVENTS)
