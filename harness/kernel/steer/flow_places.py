"""Where each step of the model's hypervisor is in a kernel: a table beside the flow.

For a step (``harness.kvm.steps``), the places at which a CPU is about to make it, the best first: a
kernel has the first of them that it tells of. What the compiler put into its caller, or EL2 does
without VHE, has the nearest place that is not behind it, or none: then it is not steerable there.
Functions are those of Linux 6.1 to 7.2, with older names behind.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.kernel.steer.places import Places
from harness.kvm.steps import Steps

__all__ = ["AFTER", "BEFORE", "SHARED", "STEPS", "Steerable", "after", "before", "steerable"]

RUN = "kvm_arch_vcpu_ioctl_run"
FLUSH, SYNC = "kvm_vgic_flush_hwstate", "kvm_vgic_sync_hwstate"
ENTER = f"call kvm_arm_vcpu_enter_exit in {RUN}"
LEFT = f"return kvm_arm_vcpu_enter_exit in {RUN}"

BEFORE: dict[str, tuple[str, ...]] = {
    # -- thread and CPU
    "acquire": ("enter kvm_sched_in",),
    "preempt": ("enter kvm_sched_out",),
    "release": ("return kvm_arch_vcpu_put",),
    "irq_disable": (f"enter {FLUSH}",),
    "irq_enable": (f"return {SYNC} in {RUN}",),
    "user_space": (f"return {RUN} in kvm_vcpu_ioctl", "enter vcpu_put"),
    # -- requests, kicks, waitqueue
    "check_requests": ("enter check_vcpu_requests", f"return handle_exit in {RUN}"),
    "mode_in_guest": (f"return {FLUSH} in {RUN}",),
    "enter": ("enter kvm_arm_vcpu_enter_exit",),
    "mode_outside": (LEFT,),
    "make_request": ("enter kvm_make_vcpu_request", "enter kvm_make_all_cpus_request",
                     "enter __kvm_vcpu_kick", "enter kvm_vcpu_kick"),
    "kick_mode": ("enter __kvm_vcpu_kick", "enter kvm_vcpu_kick"),
    "wake_up": ("enter kvm_vcpu_wake_up",),
    "kick_ipi": ("enter smp_send_reschedule", "enter arch_smp_send_reschedule"),
    "kick_process": ("enter smp_send_reschedule", "enter arch_smp_send_reschedule"),
    "call_ipi": ("call smp_call_function_many in kvm_make_all_cpus_request",
                 "call smp_call_function_many in kvm_make_vcpus_request_mask"),
    "call_wait": ("call smp_call_function_many in kvm_make_all_cpus_request",
                  "call smp_call_function_many in kvm_make_vcpus_request_mask"),
    "prepare_wait": ("enter kvm_vcpu_block",),
    "set_interruptible": ("enter kvm_vcpu_check_block", "enter kvm_vcpu_block"),
    "check_block": ("enter kvm_vcpu_check_block", "enter kvm_arch_vcpu_runnable"),
    "finish_wait": ("call finish_rcuwait in kvm_vcpu_block", "return schedule in kvm_vcpu_block"),
    # -- halting the guests
    "config_lock": ("enter vgic_mmio_write_cactive", "enter vgic_mmio_write_sactive"),
    "config_unlock": ("return kvm_arm_resume_guest",),
    "resume_guest": ("enter kvm_arm_resume_guest",),
    # -- vgic: injection and ap_lists
    "inject": ("enter kvm_vgic_inject_irq",),
    "inject_unlock": ("enter vgic_queue_irq_unlock",),
    "queue_ap_list": ("enter vgic_queue_irq_unlock",),
    "queue_irq": ("enter vgic_queue_irq_unlock",),
    "queue_unlock": ("enter vgic_queue_irq_unlock",),
    "prune_ap_list": ("enter vgic_prune_ap_list",),
    "prune_irq": ("call vgic_target_oracle in vgic_prune_ap_list", "enter vgic_prune_ap_list"),
    # -- vgic: flush, fold
    "flush_ap_list": (f"enter {FLUSH}",),
    "count_irq": (f"call vgic_target_oracle in {FLUSH}", f"enter {FLUSH}"),
    "sort_ap_list": (f"call list_sort in {FLUSH}", f"enter {FLUSH}"),
    "populate_lr": ("enter vgic_v3_populate_lr",),
    "irq_unlock": ("return vgic_v3_populate_lr", "return vgic_v3_compute_lr"),
    "flush_hcr": ("enter vgic_v3_configure_hcr", f"return vgic_v3_populate_lr in {FLUSH}"),
    "write_lrs": ("enter kvm_arm_vcpu_enter_exit",),
    "save_lrs": (LEFT,),
    "fold_lr": ("enter vgic_v3_fold_lr", "enter vgic_v3_fold_lr_state"),
    "fold_held": ("call vgic_v3_fold_lr in vgic_v3_deactivate",),
    "look_spilled": ("enter vgic_v3_deactivate",),
    "deactivate_phys": ("enter vgic_v3_deactivate_phys",),
    "resample_device": ("enter vgic_irq_handle_resampling",),
    "resample": ("enter vgic_irq_handle_resampling",),
    "vgic_load": ("enter vgic_v3_load", "enter kvm_vgic_load"),
    "vgic_put": ("enter vgic_v3_put", "enter kvm_vgic_put"),
    "set_running": ("enter kvm_arch_vcpu_load",),
    "clear_running": ("return kvm_vgic_put in kvm_arch_vcpu_put",),
    # -- the emulated distributor
    "decode_exit": ("enter handle_exit",),
    "write_enable": ("enter vgic_mmio_write_senable", "enter vgic_mmio_write_cenable"),
    "write_pending": ("enter vgic_mmio_write_spending", "enter vgic_mmio_write_cpending"),
    "write_active": ("enter vgic_mmio_change_active",),
    "write_target": ("enter vgic_mmio_write_irouter", "enter vgic_mmio_write_target"),
    "read_pending": ("enter vgic_mmio_read_pending",),
    "write_priority": ("enter vgic_mmio_write_priority",),
    "read_field": ("enter vgic_mmio_read_active", "enter vgic_mmio_read_enable"),
    "send_sgi": ("enter vgic_v3_queue_sgi", "enter vgic_v3_dispatch_sgi"),
    # -- timers
    "timer_update": ("enter kvm_timer_vcpu_load",),
    "map_is_active": ("enter kvm_vgic_map_is_active",),
    "phys_active": ("return kvm_vgic_map_is_active",),
    "timer_restore": ("enter timer_restore_state",),
    "timer_save": ("enter timer_save_state",),
    "timer_put": ("enter kvm_timer_vcpu_put",),
    "soft_arm": ("enter kvm_timer_blocking", "call hrtimer_start_range_ns in kvm_timer_vcpu_put"),
    "soft_cancel": ("call hrtimer_cancel in kvm_timer_vcpu_load",
                    "call hrtimer_cancel in kvm_timer_vcpu_put"),
    "read_ptimer": ("enter kvm_arm_timer_read_sysreg", "enter kvm_arm_timer_read"),
    "write_ptimer": ("enter kvm_arm_timer_write_sysreg", "enter kvm_arm_timer_write"),
    "update_ptimer": ("enter kvm_timer_update_irq",),
    "recheck_ptimer": ("enter timer_emulate",),
    "emulation_arm": ("enter timer_emulate",),
    "emulation_cancel": ("enter timer_save_state",),
    # -- the host's handlers
    "isr_timer": ("enter kvm_arch_timer_handler",),
    "isr_should_fire": ("enter kvm_timer_should_fire",),
    "host_iar": ("enter gic_handle_irq",),
}  # fmt: skip
"""Step -> where a CPU is about to make it."""
AFTER: dict[str, tuple[str, ...]] = {
    "write_active": ("return vgic_mmio_change_active",),
    "fold_lr": ("return vgic_v3_fold_lr",),
    "fold_held": ("return vgic_v3_fold_lr in vgic_v3_deactivate",),
    "populate_lr": ("return vgic_v3_populate_lr",),
    "prune_irq": ("return vgic_prune_ap_list",),
    "flush_hcr": (f"return {FLUSH} in {RUN}",),
    "resume_guest": ("return kvm_arm_resume_guest",),
    "config_unlock": ("return kvm_arm_resume_guest",),
    "abort_entry": (f"enter {SYNC}",),
    "irq_enable": ("enter handle_exit",),
    "prune_ap_list": ("return vgic_prune_ap_list",),
}
"""Step -> where a CPU has just made it."""
SHARED = frozenset({"irq_save", "irq_restore", "irq_unlock", "inject_unlock", "ap_list_unlock"})
"""Steps of many functions: what a place is behind tells the step before them."""
STEPS: tuple[str, ...] = tuple(
    name for name, value in vars(Steps).items() if not name.startswith("_") and value is not None
)
"""The names of all steps of the flow."""


@dataclass(frozen=True, slots=True)
class Steerable:
    """How much of the flow is steerable on a kernel: ``found`` of ``steps``; ``none`` are not."""

    found: int
    steps: int
    none: tuple[str, ...]


def before(places: Places, step: str) -> str:
    """Return where a CPU of this kernel is about to make a step; "" if nowhere that is known."""
    return next((place for place in BEFORE.get(step, ()) if places.addresses(place)), "")


def after(places: Places, step: str) -> str:
    """Return where it has just made it; "" if nowhere that is known."""
    return next((place for place in AFTER.get(step, ()) if places.addresses(place)), "")


def steerable(places: Places, steps: Iterable[str]) -> Steerable:
    """Return how many of these steps, each as often as it is named, are steerable on a kernel."""
    named = list(steps)
    known = {step: bool(before(places, step)) for step in set(named)}
    none = tuple(sorted(step for step, found in known.items() if not found))
    return Steerable(sum(known[step] for step in named), len(named), none)
