"""The operations of KVM's flow: what each reads and writes (see ``harness.engine.footprint``).

``@c`` is the CPU the code runs on, ``@v`` the VCPU it works on, ``@i`` the virtual interrupt. Every
operation also reads ``pcpu@c``: whose CPU it is. What ``model.messages`` may deliver along with an
access is spelled out as DELIVERS and AGES. A deactivation looks at what else is pending, and may
wedge the CPU interface (``lr_on_guest_deactivate=erratum``).
"""

__all__ = ["KVM_OPS"]

DELIVERS_R, DELIVERS_W = "timer@c clock vif@c lpis@c?", "bank@c chan@c cpuif@c fwd* spi*"
SIGNAL_R = "bank@c cpuif@c spi* lpis@c?"
AGES_R = f"{DELIVERS_R} {SIGNAL_R}"
AGES_W = "bank@c chan@c cpuif@c signal@c device* fwd* spi* lpis@c?"
IRQS = "irq@v vsgi* vppi* vspi*"
SEEN = "fwd* vm signal@c"
"""What decides on the guest's next instruction besides its own state."""

KVM_OPS: dict[str, tuple[str, str]] = {
    # -- thread and CPU
    "acquire": ("pcpu*", "pcpu* thread@v"),
    "preempt": ("", "pcpu@c"),
    "sched_irqs_off": ("thread@v", "pcpu@c"),
    "release": ("", "pcpu@c"),
    "irq_save": ("vgic@v dist", "pcpu@c"),
    "irq_restore": ("vgic@v dist", "pcpu@c"),
    "irq_disable": ("vgic@v dist", "pcpu@c"),
    "irq_enable": ("", "pcpu@c"),
    "user_space": ("", "guest@v"),
    "user_stop": ("", "thread@v pcpu@c"),
    "halted": ("", "thread@v"),
    # -- requests, kicks, waitqueue
    "check_requests": ("dist", "thread@v"),
    "mode_in_guest": ("", "thread@v"),
    "recheck_requests": ("pcpu@c vgic@v", "thread@v"),
    "mode_outside": (f"vgic@v {DELIVERS_R}", f"thread@v {DELIVERS_W}"),
    "abort_entry": ("vgic@v", "thread@v pcpu@c"),
    "make_request": ("vgic@v", "thread@v"),
    "wake_up": ("vgic@v", "thread@v"),
    "kick_mode": ("vgic@v", "thread@v"),
    "kick_ipi": (f"thread@v {DELIVERS_R}", f"bank* {DELIVERS_W}"),
    "prepare_wait": ("", "thread@v"),
    "set_interruptible": ("", "thread@v"),
    "check_block": (f"thread@v vgic@v {IRQS} vtimer@v ptimer@v? clock", ""),
    "check_pause": ("thread@v", ""),
    "finish_wait": ("", "thread@v"),
    # -- halting the guests
    "config_lock": ("", "dist thread@v"),
    "config_unlock": ("", "dist thread*"),
    "call_ipi": (f"thread@v {DELIVERS_R}", f"bank* pcpu* {DELIVERS_W}"),
    "call_wait": ("pcpu*", ""),
    "resume_guest": ("", "thread@v"),
    "wait_folded": ("@i thread* vgic@v", "pcpu@c"),
    # -- vgic: injection and ap_lists
    "inject": ("", "@i"),
    "inject_unlock": ("vgic@v dist", "@i pcpu@c"),
    "preempt_disable": ("vgic@v dist", ""),
    "queue_ap_list": ("", "vgic@v"),
    "queue_irq": ("", "vgic@v @i dist"),
    "queue_unlock": ("", "vgic@v @i pcpu@c"),
    "prune_ap_list": ("", "vgic@v"),
    "prune_irq": ("", "vgic@v @i dist"),
    "move_irq": ("", "vgic* @i"),
    # -- vgic: flush, fold
    "flush_ap_list": ("", "vgic@v"),
    "count_irq": ("", "vgic@v @i"),
    "sort_ap_list": (IRQS, "vgic@v"),
    "populate_lr": ("", "vgic@v @i"),
    "irq_unlock": ("vgic@v", "@i"),
    "ap_list_unlock": ("", "vgic@v"),
    "flush_hcr": ("dist", "vgic@v"),
    "write_lrs": (f"vgic@v {DELIVERS_R}", f"vif@c {DELIVERS_W}"),
    "save_lrs": ("", "vgic@v vif@c"),
    "fold_lr": ("vgic@v", "@i"),
    "fold_held": ("vgic@v", "@i"),
    "fold_lr_polling": (f"vgic@v {DELIVERS_R}", f"@i {DELIVERS_W}"),
    "look_spilled": ("", "vgic@v @i"),
    "deactivate_phys": (f"vgic@v {DELIVERS_R}", f"cpuif@c {DELIVERS_W}"),
    "resample_device": (f"{DELIVERS_R}", f"@i {DELIVERS_W}"),
    "resample": (f"vtimer@v {DELIVERS_R}", f"@i {DELIVERS_W}"),
    "vgic_load": (f"vgic@v {DELIVERS_R}", f"vif@c {DELIVERS_W}"),
    "vgic_put": ("", "vgic@v vif@c"),
    "sync_vmcr": ("vif@c", "vgic@v"),
    "set_running": ("", "pcpu@c thread@v"),
    "clear_running": ("", "pcpu@c thread@v"),
    # -- the emulated distributor
    "decode_exit": ("guest@v dist vgic@v", ""),
    "write_enable": (f"vtimer@v {DELIVERS_R}", f"@i {DELIVERS_W}"),
    "write_pending": (f"{DELIVERS_R}", f"@i {DELIVERS_W}"),
    "write_active": (f"{DELIVERS_R}", f"@i {DELIVERS_W}"),
    "write_target": ("", "@i"),
    "read_pending": (f"vtimer@v {DELIVERS_R}", f"@i {DELIVERS_W}"),
    "send_sgi": ("", "@i"),
    # -- the VM monitor
    "monitor_begins": ("thread* guest*", ""),
    "monitor_waits": ("thread*", ""),
    "monitor_resumes": ("", "thread@v"),
    "reset_irq": ("", "@i"),
    "reset_vcpu": ("", "vtimer@v ptimer@v? vgic@v guest@v"),
    "disable_irq": (DELIVERS_R, f"{DELIVERS_W} lpis*"),
    "synchronize_irq": ("pcpu*", ""),
    "reset_device": (DELIVERS_R, f"@i vm {DELIVERS_W} lpis*"),
    "save_vgic": (IRQS, "monitor"),
    "save_timer": ("vtimer@v ptimer@v? clock", "monitor"),
    "renew_irq": ("", "@i vgic@v vtimer@v ptimer@v?"),
    "restore_vgic": ("monitor", ""),
    "restore_irq": ("", "@i"),
    "restore_timer": ("", "vtimer@v ptimer@v?"),
    # -- timer
    "timer_update": ("clock vgic@v", "vtimer@v"),
    "map_is_active": ("irq@v", ""),
    "phys_active": (f"vgic@v vtimer@v irq@v dist {DELIVERS_R}", f"vtimer@v {DELIVERS_W}"),
    "timer_restore": (f"vtimer@v {DELIVERS_R}", f"vtimer@v timer@c {DELIVERS_W}"),
    "timer_save": ("clock thread@v vgic@v ptimer@v?", "vtimer@v timer@c"),
    "timer_put": ("", "vtimer@v"),
    "soft_arm": ("vtimer@v ptimer@v? clock thread@v", "hrtimer@v signal*"),
    "soft_cancel": ("", "hrtimer@v signal*"),
    # -- the emulated physical timer
    "write_ptimer": ("clock", "ptimer@v?"),
    "update_ptimer": ("clock vgic@v", "ptimer@v?"),
    "emulation_arm": ("ptimer@v? clock", "phrtimer@v? signal*"),
    "emulation_cancel": ("", "phrtimer@v? signal*"),
    # -- world switch and guest
    "enter": (f"device* {SEEN} {AGES_R}", f"pcpu@c guest@v {AGES_W}"),
    "exit_irq": ("signal@c", "pcpu@c guest@v"),
    "exit_trap": (SEEN, "pcpu@c guest@v"),
    "guest_work": (f"{SEEN} vif@c", "guest@v"),
    "guest_timer": (f"{SEEN} vif@c clock vtimer@v", "guest@v timer@c"),
    "guest_wfi": (f"{SEEN} vif@c", "guest@v pcpu@c"),
    "guest_device": (f"{SEEN} vif@c", "guest@v fwd*"),
    "guest_pmr": (SEEN, "guest@v vif@c"),
    "guest_iar": (SEEN, "guest@v vif@c"),
    "guest_eoir": (
        f"{SEEN} cpuif@c spi* lpis@c? {DELIVERS_R}",
        f"guest@v vm vif@c {DELIVERS_W}",
    ),
    "guest_dir": (
        f"{SEEN} cpuif@c spi* lpis@c? {DELIVERS_R}",
        f"guest@v vm pcpu@c vif@c {DELIVERS_W}",
    ),
    # -- host handlers
    "isr_timer": ("timer@c clock", "pcpu@c"),
    "isr_should_fire": ("timer@c clock", "vtimer@v"),
}
