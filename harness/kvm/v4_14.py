"""Era v4.14: KVM as the document describes it; reference 4.14.

The timer is saved and disabled at every exit and restored at every entry; flush and sync run with
interrupts on; the interrupt is injected on the way in and the physical one is never handled by the
host. What is more than the List Registers hold is dealt with as in ``underflow``, and a guest's
writes to the distributor change the software state alone. Reference: virt/kvm/arm/arm.c,
arch_timer.c and vgic/ of 4.14.
"""

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.underflow import UnderflowOnly
from model.host.thread import OUTSIDE, HrTimer
from model.identity import BG_TIMER, PTIMER, VTIMER
from model.part import bits_of
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq

__all__ = ["V4_14"]


class V4_14(UnderflowOnly, Kvm):
    """KVM with the timer saved and disabled at every exit."""

    era = "v4.14"
    title = "KVM 4.14: timer saved at every exit, injected on entry, never handled by the host"
    observe_edges_only = False
    timer_forwarded = False
    emulation_timer = False
    halts_for_reads = False
    caches_lpis = False
    flushes_lpis = False
    keeps_lpi_active = True
    locks_for_dist = False
    signal_after_flush = True
    maps_gicv_dir = True

    async def run_once(self, t: Context) -> str:
        """One turn of kvm_arch_vcpu_ioctl_run as of 4.14.

        signal_pending is tested after both flushes, interrupts off; it gives the entry up as a
        request does, with both syncs, and only then leads to user space. One that comes later sends
        an IPI, which ends the entry.
        """
        await self.check_requests(t)
        await self.point(t, Steps.preempt_disable)
        await self.flush_timer(t)
        await self.flush_vgic(t)
        await t.step(Steps.signal_pending)
        t.p.irqs_off = True
        reason = "signal" if self.machine.threads[t.v].stop else ""
        if reason:
            self.machine.threads[t.v].rechecked("entry-signal")
        if not await self.ready_to_enter(t) or reason:
            await t.step(Steps.abort_entry)
            vgic = self.machine.vgics[t.v]
            if vgic.ap_list and not vgic.hcr:
                self.machine.threads[t.v].rechecked("flush-empty")
            self.machine.threads[t.v].mode = OUTSIDE
            work = self.has_vgic_work(t)
            t.p.irqs_off = False
            await self.sync_timer(t)
            if work:
                await self.sync_vgic(t)
            return reason
        await self.restore_state(t)
        reason = await self.enter_guest(t)
        # Back at EL2: the timer first, so that its line falls, then the List Registers.
        await t.step(Steps.timer_save)
        self.take_off_hardware(t)
        if self.machine.vgics[t.v].used:
            await self.save_lrs(t)
        await t.step(Steps.mode_outside)
        self.leave_guest_mode(t)
        work = self.has_vgic_work(t)
        await self.irq_enable(t)
        await self.sync_timer(t)
        if work:
            await self.sync_vgic(t)
        return reason

    async def ready_to_enter(self, t: Context) -> bool:
        """Look at the physical timer, too, which the flush has looked at with interrupts on."""
        return not await self.ptimer_is_missed(t) and await super().ready_to_enter(t)

    async def restore_state(self, t: Context) -> None:
        """EL2, on the way in: List Registers, then the timer."""
        if self.machine.vgics[t.v].used:
            await self.write_lrs(t)
        await t.step(Steps.timer_restore)
        self.put_on_hardware(t)

    # -- timer ---------------------------------------------------------------------------------

    async def update_timer(self, t: Context) -> None:
        """kvm_timer_update_state: recompute the levels from memory; inject what changed."""
        vtimer = self.machine.timers[t.v][VTIMER]
        await t.step(Steps.timer_update)
        level = vtimer.sample(self.machine.clock.now)
        if level != vtimer.irq_level:
            vtimer.irq_level = level
            vtimer.cleared_last = False
            await self.inject_timer(t, t.v, VTIMER, level)
        if self.emulates():
            await self.update_ptimer(t)

    async def flush_timer(self, t: Context) -> None:
        """kvm_timer_flush_hwstate: inject, then set the physical active state, interrupts on."""
        await self.update_timer(t)
        await self.emulate(t)
        await self.flush_phys_active(t)

    def soft_timer(self, v: int, timer: int) -> HrTimer:
        """Return the background timer: until 4.15 the emulation borrows it."""
        return self.machine.hrtimers[v, BG_TIMER]

    async def emulate(self, t: Context) -> None:
        """kvm_timer_emulate: the emulation borrows the soft timer that sleepers are woken by.

        It is armed for one stay in the guest; when it fires, its work finds nobody to wake, but it
        has forced the exit after which the output is recomputed.
        """
        if not self.emulates():
            return
        await t.step(Steps.soft_arm)
        ptimer = self.machine.timers[t.v][PTIMER]
        if ptimer.can_fire() and not ptimer.should_fire(self.machine.clock.now):
            self.soft_timer_start(t, PTIMER)

    async def ptimer_is_missed(self, t: Context) -> bool:
        """Tell whether the physical timer has fired since its output was recomputed.

        Its soft timer is armed for one stay, and has only woken the thread, which runs. Upstream
        enters all the same: finding F10, in the museum.
        """
        if not self.emulates():
            return False
        await t.step(Steps.recheck_ptimer)
        ptimer = self.machine.timers[t.v][PTIMER]
        return ptimer.should_fire(self.machine.clock.now) and not ptimer.irq_level

    async def stop_emulation(self, t: Context) -> None:
        """timer_disarm: cancel the hrtimer and wait for its work, preemption off."""
        if not self.emulates():
            return
        hrtimer = self.soft_timer(t.v, PTIMER)
        op, reads = t.here[Steps.soft_cancel], hrtimer.bit | t.irqs_reads
        await t.task.step(op, lambda: hrtimer.quiet() and t.irqs_clear(), reads)
        self.soft_timer_drop(t.v, PTIMER)

    async def flush_phys_active(self, t: Context) -> None:
        """Mark the interrupt active if the line is high or the guest has it active.

        A second write of 0 is left out (active_cleared_last).
        """
        active = await self.map_is_active(t)
        await t.step(Steps.phys_active)
        level = self.machine.timers[t.v][VTIMER].irq_level
        self.write_phys_active(t, self.phys_active_needed(level, active))

    def write_phys_active(self, t: Context, active: bool) -> None:
        """Write the physical active state unless it is known to be clear."""
        vtimer = self.machine.timers[t.v][VTIMER]
        if vtimer.cleared_last and not active:
            return
        self.set_phys_active(t, VTIMER_PPI, active)
        vtimer.cleared_last = not active

    async def sync_timer(self, t: Context) -> None:
        """kvm_timer_sync_hwstate: recompute from what was just saved."""
        await self.stop_emulation(t)
        await self.update_timer(t)

    # -- flush and sync ------------------------------------------------------------------------

    async def flush_vgic(self, t: Context) -> None:
        """kvm_vgic_flush_hwstate: into the shadow registers, interrupts on."""
        if self.needs_flush(t):
            saved = await self.irqs_off_for_handlers(t)
            await self.flush_lrs(t)
            await self.irq_restore(t, saved)

    def needs_flush(self, t: Context) -> bool:
        """Tell whether anything is on the ap_list: else kvm_vgic_flush_hwstate does nothing."""
        return self.machine.vgics[t.v].ap_list != ()

    def has_vgic_work(self, t: Context) -> bool:
        """Tell whether there is anything to fold or prune: else kvm_vgic_sync_hwstate returns."""
        return self.machine.vgics[t.v].ap_list != ()

    async def sync_vgic(self, t: Context) -> None:
        """kvm_vgic_sync_hwstate, interrupts on."""
        saved = await self.irqs_off_for_handlers(t)
        await super().sync_vgic(t)
        await self.irq_restore(t, saved)

    async def irqs_off_for_handlers(self, t: Context) -> bool:
        """Mask interrupts around the vgic's locks if a host handler takes them too.

        In 4.14 none did. With forwarded SPIs, which it did not have, the host's handlers inject,
        and the locks need what 388d4359680b gave them.
        """
        return bool(self.machine.spis) and await self.irq_save(t)

    # -- the emulated distributor --------------------------------------------------------------

    def must_halt(self, irq: VgicIrq) -> bool:
        """vgic_change_active_prepare of 4.14 halts for a GICv3's private interrupts, too."""
        return irq.is_spi() or self.machine.gic.version == 3

    def mirrors(self, irq: VgicIrq, register: str) -> bool:
        """Until df635c5b184d (4.15) the physical distributor is not told what a guest writes.

        For a forwarded SPI, which is the same in both eras, it is.
        """
        return irq.is_spi()

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Until 4.15 the timer's level is computed at each entry; nothing is looked at here.

        A forwarded SPI, which is the same in both eras, is.
        """
        if irq.is_spi():
            self.sample_enabled(t, irq)

    def reads_back(self, active: bool) -> bool:
        """Until 464cb98f1c07 (6.13) a write of an active state is not read back."""
        return False

    async def write_group(self, t: Context, irq: VgicIrq, group: int) -> None:
        """vgic_mmio_write_wi: until 4.19 the write is ignored."""

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """vgic_mmio_change_active: wait until the VCPU that may still have to fold it was put.

        Its CPU has taken the IPI, but folds with interrupts on, later (C1b).
        """
        reads = irq.bit | bits_of(self.machine.threads)
        await self.wait_until(t, irq, lambda: self.is_folded(t, irq), reads)

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """The same, under irq_lock: cond_resched_lock takes it before it is looked at again."""
        return irq.vcpu in (-1, t.v) or not self.machine.threads[irq.vcpu].loaded

    def notifies_first(self) -> bool:
        """vgic_v3_fold_lr_state and _v2_ of 4.14 call the notifier, then take irq_lock."""
        return True

    async def irq_bypass_stop(self, b: Context) -> None:
        """4.14 has no irq bypass for guests: that came with GICv4, in 4.15."""

    async def irq_bypass_start(self, b: Context) -> None:
        """Nor this."""

    # -- load and put --------------------------------------------------------------------------

    async def vcpu_load(self, t: Context) -> None:
        """kvm_arch_vcpu_load as of 4.14: the vgic's context only."""
        await self.begin_load(t)
        await self.load_vgic(t)
        self.machine.threads[t.v].load(t.c)

    async def vcpu_put(self, t: Context) -> None:
        """kvm_arch_vcpu_put as of 4.14."""
        await t.step(Steps.timer_put)
        self.machine.timers[t.v][VTIMER].cleared_last = False
        await self.end_put(t)

    # -- blocking ------------------------------------------------------------------------------

    async def handle_wfi(self, t: Context) -> None:
        """kvm_vcpu_block: arm the soft timer, sleep, cancel it and wait for its work."""
        await self.schedule_soft_timer(t)
        await self.prepare_wait(t)
        await self.wait_loop(t)
        await self.finish_wait(t)
        await self.cancel_soft_timer(t, self.soft_timer(t.v, BG_TIMER))

    async def schedule_soft_timer(self, t: Context) -> None:
        """kvm_timer_schedule: nothing to arm if it fires already, or cannot fire."""
        await self.point(t, Steps.soft_arm)
        if self.fires(t.v):
            self.machine.threads[t.v].rechecked("schedule-expired")
        elif self.earliest(t.v) >= 0:
            self.soft_timer_start(t, BG_TIMER)

    async def cancel_soft_timer(self, t: Context, hrtimer: HrTimer) -> None:
        """kvm_timer_unschedule: hrtimer_cancel and cancel_work_sync."""
        while await t.task.step(
            t.here[Steps.soft_cancel],
            lambda: hrtimer.quiet() and t.irqs_clear(),
            hrtimer.bit | t.irqs_reads,
            (t.here[Steps.preempt], t.resched),
        ):
            await self.preempted(t)
        self.soft_timer_drop(t.v, BG_TIMER)

    def runnable(self, t: Context) -> bool:
        """kvm_vcpu_check_block of 4.14 also asks whether a timer fires (from memory)."""
        return self.fires(t.v) or super().runnable(t)

    def fires(self, v: int) -> bool:
        """kvm_timer_should_fire, of either timer."""
        now = self.machine.clock.now
        return any(timer.should_fire(now) for timer in self.timers(v))

    def deliverable(self, irq: VgicIrq, pmr: int) -> bool:
        """In 4.14 neither the priority mask nor the active state is looked at."""
        return irq.enabled and irq.is_pending()

    # -- handlers ------------------------------------------------------------------------------

    async def timer_isr(self, h: Context) -> bool | None:
        """kvm_arch_timer_handler of 4.14 warns: it never runs while all is well."""
        await h.step(Steps.isr_timer)
        return None

    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        """kvm_timer_expire: leave the rest to a worker."""
        self.machine.hrtimers[v, BG_TIMER].work = True
        return True

    async def soft_timer_work(self, w: Context, v: int) -> None:
        """kvm_timer_inject_irq_work: it only wakes the thread, which finds out for itself."""
        await self.wake_up(w, v)
