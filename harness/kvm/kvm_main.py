"""A VCPU's thread as the host's scheduler sees it: CPUs, preemption, sleep, requests and kicks.

Linux virt/kvm/kvm_main.c, with kernel/sched and the preempt notifiers as far as KVM can tell.
"""

from harness.context import Context
from harness.engine.footprint import Ops, Step
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.guest import DRIVER
from model.host.thread import (
    EXITING,
    INTERRUPTIBLE,
    REQ_IRQ_PENDING,
    REQ_SLEEP,
    RUNNING,
    UNINTERRUPTIBLE,
)
from model.part import bits_of

__all__ = ["SGI_CALL", "SGI_RESCHEDULE", "KvmMain"]

SGI_RESCHEDULE = 0
"""The SGI that Linux/arm64 uses as IPI_RESCHEDULE, which is also how a VCPU is kicked."""
SGI_CALL = 1
"""The SGI that Linux/arm64 uses as IPI_CALL_FUNC: the sender waits until it was handled."""


class KvmMain(Hooks):
    """How a VCPU's thread gets a CPU, loses it, sleeps, and is woken or kicked."""

    # -- CPUs ----------------------------------------------------------------------------------

    async def acquire(self, t: Context, *, sleeping: bool) -> None:
        """Get the CPU the thread is placed on; a sleeper must be woken first."""
        machine = self.machine
        thread = machine.threads[t.v]
        pcpus = machine.pcpus
        reads = thread.bit | bits_of(pcpus)

        def can_run() -> bool:
            if sleeping and thread.state != RUNNING:
                t.task.watch(thread.bit)
                return False
            p = pcpus[thread.place]
            t.task.watch(thread.bit | p.bit)
            return p.can_switch_in()

        await t.task.step(t.here[Steps.acquire], can_run, reads, wakes=thread.bit)
        before = thread.cpu
        t.move(thread.place)
        thread.cpu = t.c
        t.p.switch_in(t.v, before)

    async def release(self, t: Context) -> None:
        """Leave the CPU to others: the end of the context switch."""
        await t.step(Steps.release)
        t.p.owner = -1
        t.p.irqs_off = False

    async def point(self, t: Context, step: Step, v: int = -1, *, loaded: bool = True) -> None:
        """Make ``step`` where the thread can be preempted, as often as it is.

        Args:
            t: the thread.
            step: the step; it is that of the CPU where the thread is by then.
            v: the VCPU that it works on (-1: its own).
            loaded: the thread has its VCPU loaded; else it is in user space.

        """
        while await t.preemptible(step, None if v < 0 else t.at(v)):
            await self.preempted(t, loaded=loaded)

    async def preempted(self, t: Context, *, loaded: bool = True) -> None:
        """Switch out and in again; the preempt notifiers put and load the VCPU."""
        t.p.irqs_off = True
        t.p.need_resched = False
        await self.switch(t, sleeping=False, loaded=loaded)

    async def switch(self, t: Context, *, sleeping: bool, loaded: bool = True) -> None:
        """Give the CPU away and get one again: put, release, acquire, load."""
        if loaded:
            await self.vcpu_put(t)
        await self.release(t)
        await self.acquire(t, sleeping=sleeping)
        if loaded:
            await self.vcpu_load(t)

    async def irq_save(self, ctx: Context) -> bool:
        """local_irq_save: return whether interrupts were on, and must be restored."""
        if ctx.hard or ctx.p.irqs_off:
            return False
        await ctx.step(Steps.irq_save)
        ctx.p.irqs_off = True
        return True

    async def irq_restore(self, ctx: Context, saved: bool) -> None:
        """local_irq_restore."""
        if saved:
            await ctx.step(Steps.irq_restore)
            ctx.p.irqs_off = False

    async def irqs_off_point(self, t: Context) -> None:
        """Mask interrupts where the thread may have been preempted before."""
        await self.point(t, Steps.irq_save)
        t.p.irqs_off = True

    # -- sleep ---------------------------------------------------------------------------------

    async def block(self, t: Context) -> None:
        """Call schedule() for a VCPU whose guest idles."""
        if await self.about_to_sleep(t):
            self.machine.threads[t.v].sleep()
            await self.switch(t, sleeping=True)
        else:
            self.machine.threads[t.v].rechecked("block-woken")

    async def sleep(self, t: Context, *, loaded: bool = True) -> None:
        """Call schedule() for a thread that waits for something else."""
        if await self.about_to_sleep(t):
            await self.switch(t, sleeping=True, loaded=loaded)

    async def about_to_sleep(self, t: Context) -> bool:
        """Mask interrupts for the switch; there is none if the thread was woken already."""
        await t.step(Steps.sched_irqs_off)
        if self.machine.threads[t.v].state == RUNNING:
            return False
        t.p.irqs_off = True
        t.p.need_resched = False
        return True

    async def return_to_user(self, t: Context) -> None:
        """Complete an access in user space: put with IRQs on, user space, KVM_RUN, load."""
        await self.vcpu_put(t)
        thread = self.machine.threads[t.v]
        thread.leave_to_user()
        await self.point(t, Steps.user_space, loaded=False)
        if (access := self.machine.guests[t.v].trap).code == DRIVER:
            device = self.software_device(access.a)
            if device is not None:
                await self.access_device(t, device)
        thread.enter_from_user()
        await self.vcpu_load(t)

    async def stop_in_user(self, t: Context) -> None:
        """Return to user space on the VM monitor's signal, and wait there for the end of it."""
        await self.vcpu_put(t)
        thread = self.machine.threads[t.v]
        thread.leave_to_user()
        while True:
            await self.point(t, Steps.user_stop, loaded=False)
            if not thread.stop:
                break
            thread.in_user = True
            thread.state = UNINTERRUPTIBLE
            await self.sleep(t, loaded=False)
        thread.in_user = False
        thread.enter_from_user()
        await self.vcpu_load(t)

    # -- the waitqueue -------------------------------------------------------------------------

    async def prepare_wait(self, t: Context) -> None:
        """prepare_to_rcuwait: from here a kick finds the thread waiting."""
        await self.point(t, Steps.prepare_wait)
        self.machine.threads[t.v].waiting = True

    async def wait_loop(self, t: Context) -> None:
        """kvm_vcpu_block's loop: sleep until there is something to run for."""
        thread = self.machine.threads[t.v]
        while True:
            await self.point(t, Steps.set_interruptible)
            thread.state = INTERRUPTIBLE
            await self.point(t, Steps.check_block)
            if thread.stop or self.runnable(t):
                break
            await self.block(t)

    async def finish_wait(self, t: Context) -> None:
        """finish_rcuwait."""
        await self.point(t, Steps.finish_wait)
        self.machine.threads[t.v].stop_waiting()

    async def paused(self, t: Context) -> None:
        """kvm_vcpu_sleep (4.14: vcpu_req_sleep): stay out of the guest while it is asked for.

        A signal ends the sleep, too; then the thread asks itself to sleep again later.
        """
        thread = self.machine.threads[t.v]
        await self.prepare_wait(t)
        while True:
            await self.point(t, Steps.set_interruptible)
            thread.state = INTERRUPTIBLE
            await self.point(t, Steps.check_pause)
            if not thread.is_kept_out() or thread.stop:
                break
            if await self.about_to_sleep(t):
                thread.stay_asleep()
                await self.switch(t, sleeping=True)
        await self.finish_wait(t)
        if thread.is_kept_out():
            self.machine.threads[t.v].rechecked("sleep-again")
            thread.request(REQ_SLEEP)

    # -- requests and kicks --------------------------------------------------------------------

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        """kvm_make_request(KVM_REQ_IRQ_PENDING) and kvm_vcpu_kick."""
        await ctx.step(Steps.make_request, ctx.at(v))
        self.machine.threads[v].request(REQ_IRQ_PENDING)
        await self.kick(ctx, v)

    async def wake_up(self, ctx: Context, v: int) -> bool:
        """kvm_vcpu_wake_up: return whether the thread slept or was about to."""
        await ctx.step(Steps.wake_up, ctx.at(v))
        woken = self.machine.threads[v].wake()
        if woken:
            self.select_cpu(ctx, v)
        return woken

    def select_cpu(self, ctx: Context, v: int) -> None:
        """select_task_rq: any CPU, where the scenario says so, for a thread that has left its."""
        thread = self.machine.threads[v]
        if self.rt.scenario.wakes_anywhere and not thread.loaded:
            thread.place = ctx.task.choose("woken-on", self.rt.config.pcpus)

    async def kick(self, ctx: Context, v: int) -> None:
        """kvm_vcpu_kick: wake the thread, or force it out of its guest by an IPI.

        When the kicker interrupted that very thread, no IPI is sent: the thread is out of its
        guest, and looks at its requests before it enters again.
        """
        if await self.wake_up(ctx, v):
            return
        at: Ops = ctx.at(v)
        thread = self.machine.threads[v]
        await ctx.step(Steps.kick_mode, at)
        here = thread.cpu == ctx.c and (ctx.in_irq or not ctx.hard)
        if thread.kick(ctx.cpu, here=here):
            await ctx.step(Steps.kick_ipi, at)
            if thread.mode != EXITING:
                self.machine.threads[v].rechecked("kick-left")
            self.send_ipi(ctx, thread.cpu, SGI_RESCHEDULE)

    async def signal_vcpu(self, u: Context, v: int) -> None:
        """signal_wake_up and kick_process: wake the thread, or interrupt the CPU that it has."""
        await u.step(Steps.make_request, u.at(v))
        thread = self.machine.threads[v]
        thread.signal_stop(True)
        if await self.wake_up(u, v):
            return
        await u.step(Steps.kick_process, u.at(v))
        if thread.cpu >= 0 and self.machine.pcpus[thread.cpu].owner == v:
            self.send_ipi(u, thread.cpu, SGI_RESCHEDULE)

    def send_ipi(self, ctx: Context, cpu: int, sgi: int) -> None:
        """Interrupt another CPU of the host."""
        if self.machine.gic.version == 2:
            # GICD_SGIR is an access to the distributor, ICC_SGI1R_EL1 is not.
            self.machine.messages.before_access(ctx.c)
        self.machine.messages.send_ipi(ctx.c, cpu, sgi)

    # -- the mutex -----------------------------------------------------------------------------

    async def lock_config(self, t: Context) -> None:
        """mutex_lock(config_lock): who finds it taken sleeps."""
        dist, thread = self.machine.dist, self.machine.threads[t.v]
        while True:
            await self.point(t, Steps.config_lock)
            if dist.free():
                break
            dist.waiters = (*dist.waiters, t.v)
            thread.state = UNINTERRUPTIBLE
            await self.sleep(t)
        t.acquired(dist)

    async def unlock_config(self, t: Context) -> None:
        """mutex_unlock(config_lock)."""
        await self.point(t, Steps.config_unlock)
        dist = self.machine.dist
        for v in dist.waiters:
            self.machine.threads[v].state = RUNNING
            self.select_cpu(t, v)
        dist.waiters = ()
        t.released(dist)
