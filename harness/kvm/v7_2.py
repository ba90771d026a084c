"""Era v7.2: KVM since 4.15/4.16, today's code.

The timer runs on through exits; load and put move it. The host's handler of the timer interrupt
runs, injects, and leaves the interrupt active for the guest. Mapped level lines are observed at
their rising edges and sampled again at exit. Reference: arch_timer.c, arm.c and vgic.c of 6.x.
"""

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from model.gic.registers import Vmcr
from model.guest import READ_PTIMER
from model.host.thread import OUTSIDE, HrTimer
from model.identity import BG_TIMER, VTIMER
from model.timer import VTIMER_PPI
from model.timer_context import TimerContext
from model.vgic import decide
from model.vgic.irq import VgicIrq

__all__ = ["V7_2"]


class V7_2(Kvm):
    """KVM with the timer loaded with the VCPU."""

    era = "v7.2"
    title = "KVM since 4.16: timer left running, host handler injects, load and put"

    async def run_once(self, t: Context) -> str:
        """One turn of kvm_arch_vcpu_ioctl_run: flush and sync with interrupts off.

        A signal leads to user space, but only after a flush and an entry that is given up.
        """
        reason = await self.check_requests(t)
        await self.point(t, Steps.irq_disable)
        t.p.irqs_off = True
        await self.flush_lrs(t)
        if self.reached_from_kernel():
            await self.write_lrs(t)
        return await self.enter_and_leave(t) or reason

    async def enter_and_leave(self, t: Context) -> str:
        """The rest of the turn, from announcing guest mode until interrupts are back on."""
        from_kernel = self.reached_from_kernel()
        if not await self.ready_to_enter(t):
            await t.step(Steps.abort_entry)
            self.machine.threads[t.v].mode = OUTSIDE
            if from_kernel:
                await self.save_lrs(t)
            reason = ""
        else:
            reason = await self.enter_el2(t)
            await t.step(Steps.mode_outside)
            self.leave_guest_mode(t)
            if from_kernel:
                await self.save_lrs(t)
        await self.sync_vgic(t)
        await self.irq_enable(t)
        return reason

    async def enter_el2(self, t: Context) -> str:
        """__kvm_vcpu_run: the List Registers, unless the kernel reaches them, and the guest."""
        if self.reached_from_kernel():
            return await self.enter_guest(t)
        await self.write_lrs(t)
        reason = await self.enter_guest(t)
        await self.save_lrs(t)
        return reason

    def reached_from_kernel(self) -> bool:
        """can_access_vgic_from_kernel: a GICv2's registers are memory, a GICv3's are EL2's.

        With VHE the kernel runs there.
        """
        return self.machine.gic.version == 2 or self.machine.config.host == "vhe"

    # -- load and put --------------------------------------------------------------------------

    async def vcpu_load(self, t: Context) -> None:
        """kvm_arch_vcpu_load, preemption off and interrupts on: the timer, then the vgic."""
        await self.begin_load(t)
        await self.load_timer(t)
        await self.load_vgic(t)
        self.machine.threads[t.v].load(t.c)

    async def load_timer(self, t: Context) -> None:
        """kvm_timer_vcpu_load: level into the vgic, physical active state, then the registers."""
        vtimer = self.machine.timers[t.v][VTIMER]
        await t.step(Steps.timer_update)
        level = vtimer.sample(self.machine.clock.now)
        vtimer.irq_level = level
        await self.inject_timer(t, t.v, VTIMER, level)
        await self.load_phys_active(t)
        if self.machine.direct_ptimer:
            await self.load_ptimer(t)
        await self.cancel_soft_timer(t, self.soft_timer(t.v, BG_TIMER))
        await t.step(Steps.timer_restore)
        if not vtimer.irq_level and vtimer.should_fire(self.machine.clock.now):
            self.machine.threads[t.v].rechecked("load-expired")
        self.put_on_hardware(t)
        if self.machine.direct_ptimer:
            await self.restore_ptimer(t)
        await self.load_emulation(t)

    async def load_emulation(self, t: Context) -> None:
        """The end of kvm_timer_vcpu_load: what fell due meanwhile is injected here."""
        await self.emulate(t)

    async def load_phys_active(self, t: Context) -> None:
        """Set the physical active state to what guest and line need (at load, since 4.15)."""
        active = await self.map_is_active(t)
        await t.step(Steps.phys_active)
        level = self.machine.timers[t.v][VTIMER].irq_level
        self.set_phys_active(t, VTIMER_PPI, self.phys_active_needed(level, active))

    async def cancel_soft_timer(self, t: Context, hrtimer: HrTimer) -> None:
        """kvm_timer_unblocking."""
        await self.hrtimer_cancel(t, Steps.soft_cancel, hrtimer)
        self.soft_timer_drop(t.v, BG_TIMER)

    async def vcpu_put(self, t: Context) -> None:
        """kvm_arch_vcpu_put: interrupts off in the scheduler, on when returning to user space.

        While the thread sleeps the background timer stands in for both timers; otherwise nothing
        does until the next load.
        """
        await t.step(Steps.timer_save)
        self.take_off_hardware(t)
        if self.machine.direct_ptimer:
            await self.save_ptimer(t)
        covers = self.is_blocking(t.v) and self.earliest(t.v) >= 0
        await self.stop_emulation(t)
        if covers:
            await t.step(Steps.soft_arm)
            self.soft_timer_start(t, BG_TIMER)
        await self.end_put(t)

    def level_changes(self, ptimer: TimerContext, level: bool) -> bool:
        """timer_emulate tells the vgic whatever the output is."""
        return True

    def is_blocking(self, v: int) -> bool:
        """kvm_vcpu_is_blocking: it is on its waitqueue, be it only that it is kept out."""
        return self.machine.threads[v].waiting

    # -- blocking ------------------------------------------------------------------------------

    async def handle_wfi(self, t: Context) -> None:
        """kvm_vcpu_wfi: the timer stays loaded until the thread is really scheduled out."""
        await self.prepare_wait(t)
        await self.wait_loop(t)
        await self.finish_wait(t)

    async def save_lrs(self, t: Context) -> None:
        """vgic_v3_save_state: the List Registers, and VMCR."""
        await super().save_lrs(t)
        await self.sync_vmcr(t)

    async def sync_vmcr(self, t: Context) -> None:
        """Bring the guest's priority mask and group enables to memory, for ``runnable``."""
        self.machine.vgics[t.v].vmcr = self.machine.gic.save_vmcr(t.c)

    def group_causes(self, vmcr: Vmcr) -> int:
        """vgic_v3_configure_hcr: exit when the guest enables or disables an interrupt group."""
        return decide.group_causes(vmcr)

    # -- handlers ------------------------------------------------------------------------------

    async def timer_isr(self, h: Context) -> bool | None:
        """kvm_arch_timer_handler: inject if the timer of the VCPU loaded here fires.

        The interrupt may come after a put (the line was not retired yet): then no VCPU is here, or
        its timer is in memory already, and it must be looked at again.
        """
        await h.step(Steps.isr_timer)
        v = h.p.running_vcpu
        if v < 0:
            return None
        level = await self.isr_level(h, v)
        if level:
            self.machine.timers[v][VTIMER].irq_level = True
            await self.inject_timer(h, v, VTIMER, True)
        return level

    async def isr_level(self, h: Context, v: int) -> bool:
        """kvm_timer_should_fire, for the handler, of VCPU ``v``, which is loaded here."""
        await h.step(Steps.isr_should_fire, h.at(v))
        if not self.machine.timers[v][VTIMER].loaded:
            self.machine.threads[v].rechecked("handler-saved")
        return self.input_level(h, v)

    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        """kvm_bg_timer_expire: it only wakes; what is due is found at the next load."""
        await self.wake_up(h, v)
        return False

    # -- exits ---------------------------------------------------------------------------------

    async def handle_timer(self, t: Context) -> None:
        """kvm_arm_timer_write_sysreg: cancel the soft timer, write, emulate again.

        Upstream can be preempted in between, and must not be: finding F9.
        """
        access = await self.decode(t)
        if access.code == READ_PTIMER:
            await self.read_ptimer(t, access)
            return
        await self.stop_emulation(t)
        await self.write_ptimer(t, access)
        await self.emulate(t)

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Sample the line of the interrupt that is being enabled, if it is a mapped level."""
        self.sample_enabled(t, irq)
