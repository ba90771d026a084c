"""A VCPU's thread as the host's scheduler sees it: CPUs, preemption, sleep, and a mutex.

Linux kernel/sched and the preempt notifiers of virt/kvm/kvm_main.c, as far as KVM can tell.
"""

from harness.actors.context import Context
from harness.kvm.inject import Injection
from model import facts
from model.host.thread import INTERRUPTIBLE, RUNNING, UNINTERRUPTIBLE
from model.part import bits_of

__all__ = ["Threads"]


class Threads(Injection):
    """How a VCPU's thread gets a CPU, loses it, sleeps and wakes."""

    async def vcpu_load(self, t: Context) -> None:
        """kvm_arch_vcpu_load."""
        raise NotImplementedError

    async def vcpu_put(self, t: Context) -> None:
        """kvm_arch_vcpu_put."""
        raise NotImplementedError

    # -- CPUs ----------------------------------------------------------------------------------

    async def acquire(self, t: Context, *, sleeping: bool) -> None:
        """Get the CPU the thread is placed on; a sleeper must be woken first."""
        machine = self.machine
        thread = machine.threads[t.v]
        pcpus = machine.pcpus
        reads = thread.bit | bits_of(pcpus)

        def can_run() -> bool:
            if sleeping and thread.state != RUNNING:
                return False
            return pcpus[thread.place].can_switch_in()

        await t.task.step(t.o.acquire, can_run, reads)
        before = thread.cpu
        t.move(thread.place)
        t.p.owner = t.v
        t.p.need_resched = False
        thread.cpu = t.c
        self.emit(facts.Placed(t.v, before, t.c))

    async def release(self, t: Context) -> None:
        """Leave the CPU to others (the end of the context switch)."""
        await t.step(t.o.release)
        t.p.owner = -1
        t.p.irqs_off = False

    async def point(self, t: Context, name: str, *, loaded: bool = True) -> None:
        """Make step ``name`` where the thread can be preempted, as often as it is.

        By name, because the operation is that of the CPU where the thread is by then; not
        ``loaded``: in user space.
        """
        while await t.preemptible(getattr(t.o, name)):
            await self.preempted(t, loaded=loaded)

    async def point_on(self, t: Context, v: int, name: str) -> None:
        """Make step ``name`` on VCPU ``v``, where the thread can be preempted."""
        while await t.preemptible(getattr(t.ops(v), name)):
            await self.preempted(t)

    async def preempted(self, t: Context, *, loaded: bool = True) -> None:
        """Be scheduled out and in again; the preempt notifiers put and load the VCPU."""
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

    # -- sleep ---------------------------------------------------------------------------------

    async def block(self, t: Context) -> None:
        """schedule() of a VCPU whose guest idles."""
        if await self.about_to_sleep(t):
            self.emit(facts.Blocked(t.v))
            await self.switch(t, sleeping=True)

    async def sleep(self, t: Context, *, loaded: bool = True) -> None:
        """schedule() of a thread that waits for something else."""
        if await self.about_to_sleep(t):
            await self.switch(t, sleeping=True, loaded=loaded)

    async def about_to_sleep(self, t: Context) -> bool:
        """Mask interrupts for the switch; there is none if the thread was woken already."""
        await t.step(t.o.sched_irqs_off)
        if self.machine.threads[t.v].state == RUNNING:
            return False
        t.p.irqs_off = True
        t.p.need_resched = False
        return True

    async def return_to_user(self, t: Context) -> None:
        """Complete an access in user space: put with IRQs on, user space, KVM_RUN, load."""
        await self.vcpu_put(t)
        self.emit(facts.UserLeft(t.v))
        await self.point(t, "user_space", loaded=False)
        self.emit(facts.UserEntered(t.v))
        await self.vcpu_load(t)

    async def stop_in_user(self, t: Context) -> None:
        """Return to user space on the VM monitor's signal, and wait there for the end of it."""
        await self.vcpu_put(t)
        self.emit(facts.UserLeft(t.v))
        thread = self.machine.threads[t.v]
        while True:
            await self.point(t, "user_stop", loaded=False)
            if not thread.stop:
                break
            thread.in_user = True
            thread.state = UNINTERRUPTIBLE
            await self.sleep(t, loaded=False)
        thread.in_user = False
        self.emit(facts.UserEntered(t.v))
        await self.vcpu_load(t)

    # -- the waitqueue -------------------------------------------------------------------------

    async def prepare_wait(self, t: Context, *, blocking: bool) -> None:
        """prepare_to_rcuwait: from here a kick finds the thread waiting."""
        await self.point(t, "prepare_wait")
        thread = self.machine.threads[t.v]
        thread.waiting = True
        thread.blocking = blocking

    async def finish_wait(self, t: Context) -> None:
        """finish_rcuwait."""
        await self.point(t, "finish_wait")
        thread = self.machine.threads[t.v]
        thread.state = RUNNING
        thread.waiting = thread.blocking = False
        self.emit(facts.Unblocked(t.v))

    async def paused(self, t: Context) -> None:
        """kvm_vcpu_sleep, on KVM_REQ_SLEEP: stay out of the guest while it is asked for."""
        thread = self.machine.threads[t.v]
        await self.prepare_wait(t, blocking=False)
        while True:
            await self.point(t, "set_interruptible")
            thread.state = INTERRUPTIBLE
            await self.point(t, "check_pause")
            if not thread.pause:
                break
            await self.sleep(t)
        await self.finish_wait(t)

    # -- the mutex -----------------------------------------------------------------------------

    async def lock_config(self, t: Context) -> None:
        """mutex_lock(config_lock): who finds it taken sleeps."""
        dist, thread = self.machine.dist, self.machine.threads[t.v]
        while True:
            await self.point(t, "config_lock")
            if dist.free():
                break
            dist.waiters = (*dist.waiters, t.v)
            thread.state = UNINTERRUPTIBLE
            await self.sleep(t)
        dist.acquire(t.actor, irqs_off=t.p.irqs_off, in_irq=t.in_irq)

    async def unlock_config(self, t: Context) -> None:
        """mutex_unlock(config_lock)."""
        await self.point(t, "config_unlock")
        dist = self.machine.dist
        for v in dist.waiters:
            self.machine.threads[v].state = RUNNING
        dist.waiters = ()
        dist.release(t.actor)
