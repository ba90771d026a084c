"""The VCPU thread: KVM_RUN, scheduling, blocking and exits. What the two eras have in common.

Linux virt/kvm/kvm_main.c and arch/arm64/kvm/arm.c. An era says what one turn of the run loop does
(``run_once``), what load and put do, and how a thread blocks.
"""

from typing import TYPE_CHECKING

from harness.contract import Guard
from harness.kvm.ops import KVM_OPS
from harness.kvm.world_switch import WorldSwitch
from harness.tasks.context import Context
from harness.tasks.guest import run_guest
from harness.tasks.host_irq import HostIrq
from model import facts
from model.gic.registers import HCR_EN
from model.host.thread import IN_GUEST, INTERRUPTIBLE, OUTSIDE, RUNNING
from model.machine import Machine
from model.vgic.irq import VgicIrq

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["Kvm"]


class Kvm(WorldSwitch):
    """The hypervisor under test. Eras and variants override its methods.

    ``era`` names the era; ``OPS`` declares the operations; a variant that needs others adds them.
    """

    era = ""
    title = ""
    OPS = KVM_OPS
    machine_class: type[Machine] = Machine
    host_irq_class: type[HostIrq] = HostIrq
    timer_forwarded = True
    """Whether the host leaves the timer's interrupt active for the guest to deactivate."""
    resched_delays_entry = True
    """Whether a reschedule that is asked for keeps the VCPU from entering (xfer_to_guest_mode)."""

    def __init__(self, world: "VgicWorld") -> None:
        self.world = world
        self.machine = world.machine
        self.emit = world.emit

    # -- the thread ----------------------------------------------------------------------------

    async def vcpu_thread(self, t: Context) -> None:
        """Be the thread of a VCPU from its first KVM_RUN to the end of its guest."""
        await self.acquire(t, sleeping=False)
        await self.vcpu_load(t)
        while True:
            reason = await self.run_once(t)
            if reason == "wfi":
                await self.handle_wfi(t)
            elif reason == "mmio":
                await self.handle_enable(t)
            elif reason == "user":
                await self.return_to_user(t)
            elif reason == "halt":
                break
        await self.point(t, "halted")
        self.machine.threads[t.v].done = True
        self.emit(facts.Halted(t.v))
        await self.vcpu_put(t)
        await self.release(t)

    async def run_once(self, t: Context) -> str:
        """One turn of the run loop; returns why the guest was left ("" if it was not entered)."""
        raise NotImplementedError

    async def vcpu_load(self, t: Context) -> None:
        """kvm_arch_vcpu_load."""
        raise NotImplementedError

    async def vcpu_put(self, t: Context) -> None:
        """kvm_arch_vcpu_put."""
        raise NotImplementedError

    async def handle_wfi(self, t: Context) -> None:
        """kvm_handle_wfx: block until there is something to run for."""
        raise NotImplementedError

    async def timer_isr(self, h: Context) -> bool | None:
        """Be the host's handler of the virtual timer; return the line as it saw it, if it did."""
        raise NotImplementedError

    async def device_isr(self, h: Context, intid: int) -> None:
        """Be the host's handler of a passthrough device: inject, and leave the interrupt active."""
        forward = next(f for f in self.machine.forwards if f.intid == intid)
        await self.inject_irq(h, self.machine.spis[forward.vintid], forward.vcpu, True)

    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        """Be the soft timer's callback; return whether a work item was queued."""
        raise NotImplementedError

    async def soft_timer_work(self, w: Context, v: int) -> None:
        """Be the work item that the soft timer queued (only before 4.15 is there one)."""

    # -- scheduling ----------------------------------------------------------------------------

    async def acquire(self, t: Context, *, sleeping: bool) -> None:
        """Get the CPU the thread is placed on; a sleeper must be woken first."""
        machine = self.machine
        thread = machine.threads[t.v]
        pcpus = machine.pcpus
        reads = thread.bit
        for p in pcpus:
            reads |= p.bit

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

    async def point(self, t: Context, name: str) -> None:
        """Make step ``name`` where the thread can be preempted, as often as it is."""
        while await t.preemptible(self.op(t, name)):
            await self.preempted(t)

    async def preempted(self, t: Context, *, loaded: bool = True) -> None:
        """Be scheduled out and in again; the preempt notifiers put and load the VCPU."""
        t.p.irqs_off = True
        t.p.need_resched = False
        if loaded:
            await self.vcpu_put(t)
        await self.release(t)
        await self.acquire(t, sleeping=False)
        if loaded:
            await self.vcpu_load(t)

    async def sleep(self, t: Context) -> None:
        """schedule() in TASK_INTERRUPTIBLE: no switch if the thread was woken already."""
        await t.step(t.o.sched_irqs_off)
        thread = self.machine.threads[t.v]
        if thread.state == RUNNING:
            return
        t.p.irqs_off = True
        t.p.need_resched = False
        self.emit(facts.Blocked(t.v))
        await self.vcpu_put(t)
        await self.release(t)
        await self.acquire(t, sleeping=True)
        await self.vcpu_load(t)

    async def return_to_user(self, t: Context) -> None:
        """Complete an access in user space: put with IRQs on, user space, KVM_RUN, load."""
        await self.vcpu_put(t)
        self.emit(facts.UserLeft(t.v))
        while await t.preemptible(t.o.user_space):
            await self.preempted(t, loaded=False)
        self.emit(facts.UserEntered(t.v))
        await self.vcpu_load(t)

    # -- the run loop's pieces -----------------------------------------------------------------

    async def check_requests(self, t: Context) -> None:
        """check_vcpu_requests: consume what was asked before this entry."""
        await self.point(t, "check_requests")
        thread = self.machine.threads[t.v]
        self.emit(facts.RequestsChecked(t.v, thread.requests != 0))
        thread.requests = 0

    async def ready_to_enter(self, t: Context) -> bool:
        """Announce guest mode, then look once more whether something was asked.

        A kicker makes its request before it looks at the mode; here the mode is set before the
        requests are looked at. One of the two sees the other.
        """
        thread = self.machine.threads[t.v]
        await t.step(t.o.mode_in_guest)
        thread.mode = IN_GUEST
        await t.step(t.o.recheck_requests)
        seen = thread.requests != 0 or (self.resched_delays_entry and t.p.need_resched)
        if not seen:
            return True
        thread.mode = OUTSIDE
        return False

    async def enter_guest(self, t: Context) -> str:
        """Enter, run the guest, and come back with interrupts still off."""
        machine = self.machine
        await t.step(t.o.enter)
        machine.messages.at_entry(t.c)
        t.p.guest = True
        machine.guests[t.v].instructions = 0
        self.emit(facts.Entered(t.v, t.c))
        return await run_guest(self.world, t)

    def forced_exit(self, t: Context) -> Guard:
        """Return when the CPU leaves the guest by itself: HCR_EL2.IMO routes its IRQ to EL2."""
        return t.signals.any

    def leave_guest_mode(self, t: Context) -> None:
        """Complete the exit: the CPU is the host's again, its interrupts still masked."""
        self.machine.threads[t.v].mode = OUTSIDE
        self.machine.messages.at_exit(t.c)

    async def irq_enable(self, t: Context) -> None:
        """local_irq_enable: what is pending on this CPU is handled now."""
        await t.step(t.o.irq_enable)
        t.p.irqs_off = False

    # -- blocking ------------------------------------------------------------------------------

    async def prepare_wait(self, t: Context) -> None:
        """prepare_to_rcuwait: from here a kick finds the thread waiting."""
        await self.point(t, "prepare_wait")
        self.machine.threads[t.v].waiting = True

    async def wait_loop(self, t: Context) -> None:
        """kvm_vcpu_block's loop: sleep until there is something to run for."""
        thread = self.machine.threads[t.v]
        while True:
            await self.point(t, "set_interruptible")
            thread.state = INTERRUPTIBLE
            await self.point(t, "check_block")
            if self.runnable(t):
                break
            await self.sleep(t)

    async def finish_wait(self, t: Context) -> None:
        """finish_rcuwait."""
        await self.point(t, "finish_wait")
        thread = self.machine.threads[t.v]
        thread.state = RUNNING
        thread.waiting = False
        self.emit(facts.Unblocked(t.v))

    def runnable(self, t: Context) -> bool:
        """kvm_vgic_vcpu_pending_irq: an enabled, pending interrupt that the saved PMR lets through.

        It takes ap_list_lock and irq_lock; as it only looks, it is one step here.
        """
        vgic = self.machine.vgics[t.v]
        pmr = vgic.vmcr.pmr
        for intid in vgic.ap_list:
            irq = self.irq(t.v, intid)
            if self.deliverable(irq, pmr):
                return True
        return False

    def deliverable(self, irq: VgicIrq, pmr: int) -> bool:
        """Tell whether an interrupt is a reason not to block."""
        return irq.enabled and irq.is_pending() and not irq.active and irq.priority < pmr

    # -- exits ---------------------------------------------------------------------------------

    async def handle_enable(self, t: Context) -> None:
        """vgic_mmio_write_senable and _cenable of the timer's PPI."""
        while await t.preemptible(t.o.irq_save):
            await self.preempted(t)
        t.p.irqs_off = True
        irq = self.machine.irqs[t.v]
        await t.lock(irq, t.o.write_enable)
        self.took(t, irq)
        irq.enabled = self.machine.guests[t.v].enabled
        if irq.enabled:
            self.enabling(t)
            await self.queue_irq_unlock(t, irq, True)
        else:
            await t.step(t.o.inject_unlock)
            self.gave_irqrestore(t, irq, True)

    def enabling(self, t: Context) -> None:
        """Look at a mapped interrupt's line again when the guest enables it (irq_lock held)."""

    # -- helpers for the eras ------------------------------------------------------------------

    def has_vgic_work(self, t: Context) -> bool:
        """Tell whether there is anything to fold or prune."""
        vgic = self.machine.vgics[t.v]
        return vgic.used != 0 or vgic.ap_list != ()

    def put_on_hardware(self, t: Context) -> None:
        """Program the hardware timer with this VCPU's values (timer_restore_state)."""
        machine = self.machine
        machine.messages.before_access(t.c)
        timer, vtimer = machine.timers[t.c], machine.vtimers[t.v]
        timer.cntvoff = vtimer.cntvoff
        timer.cval = vtimer.cval
        timer.ctl = vtimer.ctl
        vtimer.loaded = True
        self.emit(facts.TimerRestored(t.v, t.c, timer.ctl, timer.cval))

    def take_off_hardware(self, t: Context) -> None:
        """Store the timer to memory and disable the hardware (timer_save_state)."""
        machine = self.machine
        timer, vtimer = machine.timers[t.c], machine.vtimers[t.v]
        vtimer.ctl = timer.ctl
        vtimer.cval = timer.cval
        timer.ctl = 0
        timer.cntvoff = 0
        vtimer.loaded = False
        self.emit(facts.TimerSaved(t.v, t.c, vtimer.ctl, vtimer.cval, timer.ctl))

    def soft_timer_start(self, t: Context) -> None:
        """soft_timer_start: arm the hrtimer on this CPU for the timer's deadline."""
        machine = self.machine
        hrtimer, vtimer = machine.hrtimers[t.v], machine.vtimers[t.v]
        hrtimer.armed = True
        hrtimer.cpu = t.c
        hrtimer.expiry = max(vtimer.deadline(), machine.clock.now)
        self.emit(facts.Armed(t.v, t.c, hrtimer.expiry))
        if hrtimer.expiry <= machine.clock.now:
            machine.signals[t.c].soft |= 1 << t.v

    def soft_timer_drop(self, v: int) -> None:
        """Take the hrtimer out of its queue; its callback is not running."""
        machine = self.machine
        hrtimer = machine.hrtimers[v]
        self.emit(facts.Cancelled(v, hrtimer.armed))
        if hrtimer.armed:
            hrtimer.armed = False
            machine.signals[hrtimer.cpu].soft &= ~(1 << v)

    async def load_vgic(self, t: Context) -> None:
        """kvm_vgic_load: VMCR and active priorities."""
        await t.step(t.o.vgic_load)
        machine = self.machine
        machine.messages.before_access(t.c)
        vgic = machine.vgics[t.v]
        machine.gic.restore_vmcr(t.c, vgic.vmcr)
        machine.gic.restore_apr(t.c, vgic.apr)
        machine.gic.write_hcr(t.c, HCR_EN)

    async def put_vgic(self, t: Context) -> None:
        """kvm_vgic_put: the same back to memory."""
        await t.step(t.o.vgic_put)
        machine = self.machine
        vgic = machine.vgics[t.v]
        vgic.vmcr = machine.gic.save_vmcr(t.c)
        vgic.apr = machine.gic.save_apr(t.c)

    async def map_is_active(self, t: Context) -> bool:
        """kvm_vgic_map_is_active: it takes irq_lock, looks, and drops it again, in one step."""
        irq = self.machine.irqs[t.v]
        await t.lock(irq, t.o.map_is_active)
        return irq.active
