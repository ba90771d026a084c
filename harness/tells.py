"""What may be heard of each step: the kinds of the facts that can come of it, by name.

A fact that a rule or a view hears writes what that rule remembers, so that two steps which tell the
same rule do not commute, though they share no part of the machine. In tests the audit of footprints
finds what is missing here, for the eras and the museum. A variant of a user's may tell more in a
step than KVM does; that is not in its footprint.
"""

from collections.abc import Mapping
from typing import Final

from model.facts import KINDS, Fact

__all__ = ["TELLS"]

WORDS: Final = {
    "abort_entry": "recheck",
    "acquire": "placed",
    "ap_list_unlock": "unlock",
    "bypass_halts": "bypass-halt",
    "bypass_lets_go": "bypass-halt",
    "call_ipi": "active deactivation-arrived ipi line pending recheck",
    "call_wait": "halt-guests",
    "check_requests": "request-check",
    "clear_running": "put user-exit",
    "clock_tick": "tick",
    "config_lock": "halt-guests lock",
    "config_unlock": "unlock",
    "count_irq": "lock",
    "deactivate_phys": "active deactivation-arrived line",
    "decode_exit": "dir-trap",
    "device_access": "device-served",
    "device_done": "user-entry",
    "device_event": "device-event",
    "disable_irq": "active deactivation-arrived host-mask line",
    "emulation_arm": "load soft-armed",
    "emulation_callback": "soft-fired",
    "emulation_cancel": "soft-cancelled",
    "emulation_fire": "edge irq-taken line pending signal",
    "enter": "active deactivation-arrived edge entry guest-mask line pending signal guest-storm",
    "eventfd_signal": "eoi-notified",
    "exit_irq": "exit",
    "exit_trap": (
        "exit guest-access guest-dist guest-enable guest-lpis guest-mask guest-read-trap guest-sgi"
    ),
    "exit_trap_far": "exit guest-access guest-enable guest-lpis guest-mask",
    "finish_wait": "unblock recheck",
    "flush_ap_list": "lock",
    "flush_hcr": "unlock",
    "flush_lpi": "gicd-write lock unqueue",
    "fold_held": "fold",
    "fold_lr": "fold lock",
    "fold_lr_polling": "active deactivation-arrived fold line lock",
    "gic_deactivate": "active deactivation-arrived",
    "gic_edge": "pending",
    "gic_event": "edge line pending",
    "gic_ipi": "pending",
    "gic_line": "line",
    "gic_maintenance": "line",
    "gic_pin": "signal",
    "gic_ptimer": "line",
    "gic_write": "active",
    "guest_device": "device-served guest-mask guest-storm",
    "guest_dir": (
        "active deactivation-arrived deactivation-sent exit "
        "guest-access guest-deactivate guest-mask line lr-moved guest-storm"
    ),
    "guest_eoir": (
        "active deactivation-arrived deactivation-sent guest-deactivate "
        "guest-eoi guest-mask line lr-moved guest-storm"
    ),
    "guest_iar": "guest-ack guest-mask lr-moved guest-storm",
    "guest_pmr": "guest-control guest-mask guest-storm",
    "guest_read": "guest-mask guest-read guest-storm",
    "guest_ptimer": "guest-mask guest-timer guest-storm",
    "guest_read_ptimer": "guest-mask guest-read guest-storm",
    "guest_timer": "guest-mask guest-timer guest-storm",
    "guest_wfi": "exit guest-mask guest-wfi guest-storm",
    "guest_work": "guest-mask guest-storm",
    "halted": "halted",
    "power_off": "halted",
    "host_dir": "active deactivation-arrived line",
    "host_eoir": "isr-begin isr-end priority-drop",
    "host_iar": "active host-ack pending signal",
    "host_preempt": "ipi pending preempt",
    "inject": "inject lock",
    "inject_unlock": "isr-end load unlock vm-restore",
    "irq_take": "edge irq-taken line pending signal",
    "irq_unlock": "unlock",
    "isr_call": "isr-end",
    "isr_device": "isr-end",
    "isr_read_ctl": "timer-read",
    "isr_ptimer": "isr-end",
    "isr_ptimer_should_fire": "isr-end timer-read recheck",
    "isr_should_fire": "isr-end timer-read recheck",
    "isr_timer": "isr-end",
    "kick_ipi": "active deactivation-arrived ipi isr-end line pending recheck",
    "kick_process": "active deactivation-arrived ipi line pending",
    "kick_mode": "isr-end kick load vm-restore",
    "look_spilled": "emulated-deactivation lock recheck",
    "make_request": "request vm-stop",
    "mode_outside": "active deactivation-arrived line",
    "monitor_away": "tick",
    "monitor_resumes": "vm-stop",
    "move_irq": "lock queue unqueue recheck",
    "phys_active": "active deactivation-arrived line phys-active",
    "populate_lr": "lock",
    "prune_ap_list": "lock",
    "prune_irq": "lock unqueue",
    "queue_ap_list": "lock",
    "queue_irq": "lock queue recheck",
    "queue_unlock": "isr-end unlock",
    "read_dist": "dist-read",
    "read_field": "gicd-read",
    "read_pending": "active deactivation-arrived gicd-read line lock timer-read",
    "ptimer_phys_active": "active deactivation-arrived line phys-active",
    "ptimer_restore": "active deactivation-arrived line load timer-restore recheck",
    "ptimer_save": "timer-save",
    "ptimer_update": "timer-read",
    "read_ptimer": "guest-read",
    "recheck_requests": "recheck",
    "renew_irq": "lock unqueue",
    "resample": "active deactivation-arrived line phys-active resample timer-read recheck",
    "resample_ptimer": ("active deactivation-arrived line phys-active resample timer-read recheck"),
    "resample_device": "active deactivation-arrived line phys-active resample recheck",
    "reset_device": (
        "active deactivation-arrived device-served host-mask line pending phys-active"
    ),
    "reset_irq": "gicd-write lock",
    "reset_vcpu": "guest-mask guest-timer vm-reset",
    "reset_software": "device-served",
    "restore_counter": "counter-moved",
    "restore_irq": "lock",
    "restore_timer": "vm-restore",
    "resolve_lpi": "inject isr-end",
    "resume_guest": "resume-guests",
    "save_lrs": "hcr lr-written",
    "save_timer": "vm-save",
    "save_vgic": "vm-save",
    "sched_irqs_off": "block kept-asleep recheck",
    "send_sgi": "inject lock",
    "set_timers": "guest-timer",
    "signal_pending": "recheck",
    "soft_arm": "soft-armed recheck",
    "sync_lpi": "gicd-write lock",
    "soft_callback": "soft-fired",
    "soft_cancel": "soft-cancelled",
    "soft_fire": "edge irq-taken line pending signal",
    "timer_restore": "active deactivation-arrived line load timer-restore recheck",
    "timer_save": "timer-save",
    "timer_update": "timer-read",
    "update_ptimer": "load",
    "user_space": "user-entry",
    "user_stop": "user-entry",
    "vgic_load": "active deactivation-arrived line load",
    "vmm_done": "device-signalled",
    "vmm_event": "device-event device-still-high",
    "wake_up": "isr-end wake",
    "write_active": "active deactivation-arrived gicd-write line lock phys-active recheck",
    "write_enable": (
        "active deactivation-arrived gicd-write line lock phys-active resample timer-read recheck"
    ),
    "write_group": "gicd-write lock",
    "write_lrs": "active deactivation-arrived hcr line lr-written",
    "write_pending": "active deactivation-arrived gicd-write line lock phys-active",
    "write_priority": "gicd-priority lock",
    "write_ptimer": "guest-timer",
    "write_target": "lock retarget",
}

TELLS: Final[Mapping[str, tuple[type[Fact], ...]]] = {
    step: tuple(KINDS[kind] for kind in kinds.split()) for step, kinds in WORDS.items()
}
"""The kinds of facts by step; a step that is not here tells none."""
