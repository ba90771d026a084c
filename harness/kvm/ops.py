"""The operations of KVM's flow: what each reads and writes (see ``harness.engine.footprint``).

``@c`` is the CPU the code runs on, ``@v`` the VCPU it works on. Every operation also reads
``pcpu@c``: whose CPU it is. What ``model.messages`` may deliver along with an access is spelled out
as DELIVERS and AGES.
"""

__all__ = ["KVM_OPS"]

DELIVERS_R, DELIVERS_W = "timer@c clock", "bank@c chan@c fwd* spi*"
SIGNAL_R = "bank@c cpuif@c spi* lpis@c?"
AGES_R, AGES_W = f"{DELIVERS_R} {SIGNAL_R}", "bank@c chan@c signal@c device* fwd* spi* lpis@c?"

KVM_OPS: dict[str, tuple[str, str]] = {
    # -- thread and CPU
    "acquire": ("pcpu*", "pcpu* thread@v"),
    "preempt": ("", "pcpu@c"),
    "sched_irqs_off": ("thread@v", "pcpu@c"),
    "release": ("", "pcpu@c"),
    "irq_save": ("vgic@v", "pcpu@c"),
    "irq_restore": ("vgic@v", "pcpu@c"),
    "irq_disable": ("vgic@v", "pcpu@c"),
    "irq_enable": ("", "pcpu@c"),
    "user_space": ("", "guest@v"),
    "halted": ("", "thread@v"),
    # -- requests, kicks, waitqueue
    "check_requests": ("", "thread@v"),
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
    "check_block": ("thread@v vgic@v irq@v vspi* vtimer@v clock", ""),
    "finish_wait": ("", "thread@v"),
    # -- vgic
    "inject": ("", "@i"),
    "inject_unlock": ("vgic@v", "@i pcpu@c"),
    "preempt_disable": ("vgic@v", ""),
    "queue_ap_list": ("", "vgic@v"),
    "queue_irq": ("", "vgic@v @i"),
    "queue_unlock": ("", "vgic@v @i pcpu@c"),
    "flush_ap_list": ("", "vgic@v"),
    "populate_lr": ("", "vgic@v @i"),
    "irq_unlock": ("vgic@v", "@i"),
    "ap_list_unlock": ("", "vgic@v"),
    "write_lrs": (f"vgic@v {DELIVERS_R}", f"vif@c {DELIVERS_W}"),
    "save_lrs": ("", "vgic@v vif@c"),
    "fold_lr": ("vgic@v", "@i"),
    "fold_lr_polling": (f"vgic@v {DELIVERS_R}", f"@i {DELIVERS_W}"),
    "resample_device": (f"{DELIVERS_R}", f"@i {DELIVERS_W}"),
    "resample": (f"vtimer@v {DELIVERS_R}", f"@i {DELIVERS_W}"),
    "prune_ap_list": ("", "vgic@v"),
    "prune_irq": ("", "vgic@v @i"),
    "vgic_load": (f"vgic@v {DELIVERS_R}", f"vif@c {DELIVERS_W}"),
    "vgic_put": ("", "vgic@v vif@c"),
    "sync_vmcr": ("vif@c", "vgic@v"),
    "set_running": ("", "pcpu@c thread@v"),
    "clear_running": ("", "pcpu@c"),
    "write_enable": (f"guest@v vtimer@v {DELIVERS_R}", f"irq@v {DELIVERS_W}"),
    # -- timer
    "timer_update": ("clock vgic@v", "vtimer@v"),
    "map_is_active": ("irq@v", ""),
    "phys_active": (f"vgic@v vtimer@v irq@v {DELIVERS_R}", f"vtimer@v {DELIVERS_W}"),
    "timer_restore": (f"vtimer@v {DELIVERS_R}", f"vtimer@v timer@c {DELIVERS_W}"),
    "timer_save": ("clock thread@v vgic@v", "vtimer@v timer@c"),
    "timer_put": ("", "vtimer@v"),
    "soft_arm": ("vtimer@v clock thread@v", "hrtimer@v signal*"),
    "soft_cancel": ("", "hrtimer@v signal*"),
    # -- world switch and guest
    "enter": (f"vif@c device* fwd* {AGES_R}", f"pcpu@c guest@v {AGES_W}"),
    "exit_irq": ("signal@c", "pcpu@c guest@v"),
    "exit_trap": ("signal@c", "pcpu@c guest@v"),
    "guest_work": ("fwd* signal@c vif@c", "guest@v"),
    "guest_timer": ("fwd* signal@c vif@c clock vtimer@v", "guest@v timer@c"),
    "guest_wfi": ("fwd* signal@c vif@c fwd*", "guest@v pcpu@c"),
    "guest_device": ("fwd* signal@c vif@c", "guest@v fwd*"),
    "guest_pmr": ("fwd* signal@c", "guest@v vif@c"),
    "guest_iar": ("fwd* signal@c", "guest@v vif@c"),
    "guest_eoir": (
        f"fwd* signal@c cpuif@c spi* lpis@c? {DELIVERS_R}",
        f"guest@v vif@c fwd* {DELIVERS_W}",
    ),
    "guest_dir": (
        f"fwd* signal@c cpuif@c spi* lpis@c? {DELIVERS_R}",
        f"guest@v vif@c fwd* {DELIVERS_W}",
    ),
    # -- host handlers
    "isr_timer": ("timer@c clock", "pcpu@c"),
    "isr_should_fire": ("timer@c clock", "vtimer@v"),
}
