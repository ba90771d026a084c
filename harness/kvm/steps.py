"""The steps of KVM's flow: what each reads and writes (the vocabulary is ``harness.resources``).

A step made in a thread's or handler's context also reads the CPU that it is on: whose it is. What
``model.messages`` may deliver along with an access is DELIVERS and AGES. A deactivation looks at
what else is pending, and may wedge the CPU interface (``lr_on_guest_deactivate=erratum``).
"""

from harness.engine.footprint import Step
from harness.resources import (
    AGES_R,
    AGES_W,
    BANK,
    BG_TIMER,
    CHANNEL,
    CLOCK,
    CPUIF,
    CTLR,
    DELIVERS_R,
    DELIVERS_W,
    DEVICE,
    DIST,
    FORWARD,
    GUEST,
    HW_PTIMER,
    HW_TIMER,
    IPI,
    IRQS,
    ITS,
    LPIS,
    MONITOR,
    PCPU,
    PTIMER,
    PTIMER_HRTIMER,
    SIGNAL,
    SPI,
    THIS_IRQ,
    THREAD,
    VGIC,
    VIF,
    VM,
    VTIMER,
    VTIMER_IRQ,
)

__all__ = ["SEEN", "Steps"]

SEEN = (FORWARD.all, VM, SIGNAL.here)
"""What decides on the guest's next instruction besides its own state."""


class Steps:
    """The steps of the hypervisor, by what they are about."""

    # -- thread and CPU
    acquire = Step((PCPU.all,), (PCPU.all, THREAD.own))
    preempt = Step((), (PCPU.here,))
    sched_irqs_off = Step((THREAD.own,), (PCPU.here,))
    release = Step((), (PCPU.here,))
    irq_save = Step((VGIC.own, DIST), (PCPU.here,))
    irq_restore = Step((VGIC.own, DIST), (PCPU.here,))
    irq_disable = Step((VGIC.own, DIST), (PCPU.here,))
    signal_pending = Step((VGIC.own, DIST, THREAD.own), (PCPU.here,))
    irq_enable = Step((), (PCPU.here,))
    user_space = Step((), (GUEST.own,))
    user_stop = Step((), (THREAD.own, PCPU.here))
    halted = Step((), (THREAD.own,))
    power_off = Step((), (THREAD.own,))

    # -- requests, kicks, waitqueue
    check_requests = Step((DIST,), (THREAD.own,))
    clear_requests = Step((DIST,), (THREAD.own,))
    mode_in_guest = Step((), (THREAD.own,))
    recheck_requests = Step((PCPU.here, VGIC.own), (THREAD.own,))
    mode_outside = Step((VGIC.own, *DELIVERS_R), (THREAD.own, *DELIVERS_W))
    abort_entry = Step((VGIC.own,), (THREAD.own, PCPU.here))
    make_request = Step((VGIC.own,), (THREAD.own,))
    wake_up = Step((VGIC.own,), (THREAD.own,))
    kick_mode = Step((VGIC.own,), (THREAD.own,))
    kick_ipi = Step((THREAD.own, *DELIVERS_R), (BANK.all, IPI.all, *DELIVERS_W))
    kick_process = Step((THREAD.own, PCPU.all, *DELIVERS_R), (BANK.all, IPI.all, *DELIVERS_W))
    prepare_wait = Step((), (THREAD.own,))
    set_interruptible = Step((), (THREAD.own,))
    check_block = Step((CTLR, THREAD.own, VGIC.own, *IRQS, VTIMER.own, PTIMER.own, CLOCK))
    check_pause = Step((THREAD.own,))
    finish_wait = Step((), (THREAD.own,))

    # -- halting the guests
    config_lock = Step((), (DIST, THREAD.own))
    config_unlock = Step((), (DIST, THREAD.all))
    bypass_begins = Step((THREAD.all, GUEST.all))
    bypass_halts = Step((), (THREAD.all,))
    bypass_lets_go = Step((), (THREAD.own,))
    pause_guests = Step((), (THREAD.all,))
    call_ipi = Step((THREAD.own, *DELIVERS_R), (BANK.all, PCPU.all, IPI.all, *DELIVERS_W))
    call_wait = Step((PCPU.all,))
    resume_guest = Step((), (THREAD.own,))
    wait_folded = Step((THIS_IRQ, THREAD.all, VGIC.own), (PCPU.here,))

    # -- vgic: injection and ap_lists
    inject = Step((CTLR,), (THIS_IRQ,))
    inject_unlock = Step((VGIC.own, DIST), (THIS_IRQ, PCPU.here))
    preempt_disable = Step((VGIC.own, DIST))
    queue_ap_list = Step((), (VGIC.own,))
    queue_irq = Step((CTLR,), (VGIC.own, THIS_IRQ, DIST))
    queue_unlock = Step((), (VGIC.own, THIS_IRQ, PCPU.here))
    prune_ap_list = Step((), (VGIC.own,))
    prune_irq = Step((CTLR,), (VGIC.own, THIS_IRQ, DIST))
    move_irq = Step((CTLR,), (VGIC.all, THIS_IRQ))

    # -- vgic: flush, fold
    flush_ap_list = Step((), (VGIC.own,))
    count_irq = Step((CTLR,), (VGIC.own, THIS_IRQ))
    sort_ap_list = Step((*IRQS, CTLR), (VGIC.own,))
    populate_lr = Step((CTLR,), (VGIC.own, THIS_IRQ))
    irq_unlock = Step((VGIC.own,), (THIS_IRQ,))
    ap_list_unlock = Step((), (VGIC.own,))
    flush_hcr = Step((DIST,), (VGIC.own,))
    write_lrs = Step((VGIC.own, *DELIVERS_R), (VIF.here, *DELIVERS_W))
    save_lrs = Step((), (VGIC.own, VIF.here))
    fold_lr = Step((VGIC.own,), (THIS_IRQ,))
    fold_held = Step((VGIC.own,), (THIS_IRQ,))
    fold_lr_polling = Step((VGIC.own, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    count_down = Step((VGIC.own,), (DIST,))
    look_spilled = Step((CTLR,), (VGIC.own, THIS_IRQ))
    deactivate_phys = Step((VGIC.own, *DELIVERS_R), (CPUIF.here, *DELIVERS_W))
    resample_device = Step(DELIVERS_R, (THIS_IRQ, *DELIVERS_W))
    resample = Step((VTIMER.own, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    resample_ptimer = Step((PTIMER.own, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    vgic_load = Step((VGIC.own, *DELIVERS_R), (VIF.here, *DELIVERS_W))
    vgic_put = Step((), (VGIC.own, VIF.here))
    set_running = Step((), (PCPU.here, THREAD.own))
    clear_running = Step((), (PCPU.here, THREAD.own))

    # -- the emulated distributor
    decode_exit = Step((GUEST.own, DIST, VGIC.own))
    write_enable = Step((CTLR, VTIMER.own, PTIMER.own, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    write_pending = Step((CTLR, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    write_active = Step((CTLR, THREAD.all, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    write_target = Step((), (THIS_IRQ,))
    write_dist = Step((), (CTLR,))
    kick_pending = Step((VGIC.own, *IRQS, CTLR))
    read_dist = Step((CTLR,))
    read_pending = Step((VTIMER.own, PTIMER.own, *DELIVERS_R), (THIS_IRQ, *DELIVERS_W))
    write_priority = Step((), (THIS_IRQ,))
    write_group = Step((CTLR,), (THIS_IRQ,))
    read_field = Step((THIS_IRQ,))
    send_sgi = Step((CTLR,), (THIS_IRQ,))

    # -- LPIs
    write_lpi = Step((CTLR,), (THIS_IRQ,))
    lpis_disable = Step((), (ITS,))
    lpis_invalidate = Step((), (ITS,))
    lpis_enable = Step((), (ITS,))
    resolve_lpi = Step((THIS_IRQ,), (ITS,))
    flush_lpi = Step((), (VGIC.own, THIS_IRQ))
    sync_lpi = Step((CTLR,), (THIS_IRQ,))

    # -- devices that the VM monitor makes
    eventfd_signal = Step((VGIC.own,), (FORWARD.all,))
    device_access = Step((), (FORWARD.all,))
    device_done = Step((GUEST.own,), (FORWARD.all, THREAD.own))
    reset_software = Step((), (THIS_IRQ, VM, FORWARD.all))

    # -- the VM monitor
    monitor_begins = Step((THREAD.all, GUEST.all))
    monitor_waits = Step((THREAD.all,))
    monitor_resumes = Step((), (THREAD.own,))
    reset_irq = Step((), (THIS_IRQ,))
    reset_vcpu = Step((), (VTIMER.own, PTIMER.own, VGIC.own, GUEST.own, CTLR, ITS))
    disable_irq = Step(DELIVERS_R, (*DELIVERS_W, LPIS.all))
    synchronize_irq = Step((PCPU.all,))
    reset_device = Step(DELIVERS_R, (THIS_IRQ, VM, *DELIVERS_W, LPIS.all))
    save_vgic = Step(IRQS, (MONITOR,))
    save_timer = Step((VTIMER.own, PTIMER.own, CLOCK), (MONITOR,))
    renew_irq = Step((), (THIS_IRQ, VGIC.own, VTIMER.own, PTIMER.own))
    restore_vgic = Step((MONITOR,))
    restore_irq = Step((CTLR,), (THIS_IRQ,))
    set_timers = Step((CLOCK,), (VTIMER.own, PTIMER.own))
    restore_counter = Step((MONITOR, CLOCK), (VTIMER.all,))
    restore_timer = Step((MONITOR,), (VTIMER.own, PTIMER.own))

    # -- timers
    timer_update = Step((CLOCK, VGIC.own), (VTIMER.own,))
    map_is_active = Step((VTIMER_IRQ.own,))
    phys_active = Step(
        (VGIC.own, VTIMER.own, VTIMER_IRQ.own, DIST, *DELIVERS_R), (VTIMER.own, *DELIVERS_W)
    )
    timer_restore = Step((VTIMER.own, *DELIVERS_R), (VTIMER.own, HW_TIMER.here, *DELIVERS_W))
    timer_save = Step((CLOCK, THREAD.own, VGIC.own, PTIMER.own), (VTIMER.own, HW_TIMER.here))
    timer_put = Step((), (VTIMER.own,))
    soft_arm = Step((VTIMER.own, PTIMER.own, CLOCK, THREAD.own), (BG_TIMER.own, SIGNAL.all))
    soft_cancel = Step((), (BG_TIMER.own, SIGNAL.all))

    # -- the physical timer in hardware
    ptimer_update = Step((CLOCK, VGIC.own), (PTIMER.own,))
    ptimer_is_active = Step((THIS_IRQ,))
    ptimer_phys_active = Step((VGIC.own, PTIMER.own, DIST, *DELIVERS_R), DELIVERS_W)
    ptimer_restore = Step((PTIMER.own, *DELIVERS_R), (PTIMER.own, HW_PTIMER.here, *DELIVERS_W))
    ptimer_save = Step((CLOCK, THREAD.own, VGIC.own, VTIMER.own), (PTIMER.own, HW_PTIMER.here))
    isr_ptimer = Step((HW_PTIMER.here, CLOCK), (PCPU.here,))
    isr_ptimer_should_fire = Step((HW_PTIMER.here, CLOCK), (PTIMER.own,))

    # -- the emulated physical timer
    read_ptimer = Step((PTIMER.own, CLOCK))
    write_ptimer = Step((CLOCK,), (PTIMER.own,))
    update_ptimer = Step((CLOCK, VGIC.own), (PTIMER.own,))
    recheck_ptimer = Step((CLOCK, PTIMER.own, THREAD.own))
    emulation_arm = Step((PTIMER.own, CLOCK), (PTIMER_HRTIMER.own, SIGNAL.all))
    emulation_cancel = Step((), (PTIMER_HRTIMER.own, SIGNAL.all))

    # -- entry, and the host's handlers
    enter = Step((DEVICE.all, *SEEN, *AGES_R), (PCPU.here, GUEST.own, *AGES_W))
    isr_timer = Step((HW_TIMER.here, CLOCK), (PCPU.here,))
    isr_should_fire = Step((HW_TIMER.here, CLOCK), (VTIMER.own,))
    host_iar = Step(
        (), (LPIS.here, BANK.here, SPI.all, CPUIF.here, SIGNAL.here, CHANNEL.here, PCPU.here)
    )
    host_eoir = Step((), (CPUIF.here, BANK.here, SPI.all))
    host_dir = Step(
        (HW_TIMER.here, HW_PTIMER.here, VIF.here, CLOCK, LPIS.here),
        (CPUIF.here, BANK.here, FORWARD.all, SPI.all, CHANNEL.here, PCPU.here),
    )
    isr_device = Step((), (PCPU.here,))
    isr_call = Step((), (PCPU.here,))
    irq_end = Step((), (PCPU.here,))
