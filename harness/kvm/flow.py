"""The VCPU thread: KVM_RUN, scheduling, blocking and exits. What the two eras have in common.

Linux virt/kvm/kvm_main.c and arch/arm64/kvm/arm.c. An era says what one turn of the run loop does
(``run_once``), what load and put do, and how a thread blocks.
"""

from typing import TYPE_CHECKING

from harness.actors.context import Context
from harness.actors.guest import run_guest
from harness.actors.host_irq import HostIrq
from harness.contract import Guard
from harness.kvm.ops import KVM_OPS
from harness.kvm.phys_timer import PhysTimer
from model import facts
from model.host.thread import (
    IN_GUEST,
    INTERRUPTIBLE,
    OUTSIDE,
    REQ_PROCESS_UPDATE,
    REQ_SLEEP,
)
from model.identity import BG_TIMER, VTIMER
from model.machine import Machine
from model.vgic.irq import VgicIrq

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["Kvm"]


class Kvm(PhysTimer):
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
            if reason == "halt":
                break
            await self.handle_exit(t, reason)
        await self.point(t, "halted")
        self.machine.threads[t.v].done = True
        self.emit(facts.Halted(t.v))
        await self.vcpu_put(t)
        await self.release(t)

    async def handle_exit(self, t: Context, reason: str) -> None:
        """handle_exit: do what the guest left for."""
        if reason == "wfi":
            await self.handle_wfi(t)
        elif reason == "mmio":
            await self.handle_mmio(t)
        elif reason == "sgi":
            await self.handle_sgi(t)
        elif reason == "dir":
            await self.handle_dir(t)
        elif reason == "timer":
            await self.handle_timer(t)
        elif reason == "user":
            await self.return_to_user(t)

    async def run_once(self, t: Context) -> str:
        """One turn of the run loop; returns why the guest was left ("" if it was not entered)."""
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

    # -- the run loop's pieces -----------------------------------------------------------------

    async def check_requests(self, t: Context) -> None:
        """check_vcpu_requests: consume what was asked before this entry.

        A signal, by which the VM monitor stops the VCPU, leads to user space from here.
        """
        await self.point(t, "check_requests")
        thread = self.machine.threads[t.v]
        self.emit(facts.RequestsChecked(t.v, thread.requests != 0))
        # KVM_REQ_IRQ_PENDING asked for no more than this look.
        thread.requests &= REQ_SLEEP | REQ_PROCESS_UPDATE
        if thread.requests & REQ_SLEEP:
            thread.requests &= ~REQ_SLEEP
            await self.paused(t)
        if thread.stop:
            await self.stop_in_user(t)
        elif thread.requests & REQ_PROCESS_UPDATE:
            thread.requests &= ~REQ_PROCESS_UPDATE
            await self.irqs_off_point(t)
            await self.prune(t)
            await t.step(t.o.irq_restore)
            t.p.irqs_off = False

    async def ready_to_enter(self, t: Context) -> bool:
        """Announce guest mode, then look once more whether something was asked.

        A kicker makes its request before it looks at the mode; here the mode is set before the
        requests are looked at. One of the two sees the other.
        """
        thread = self.machine.threads[t.v]
        await t.step(t.o.mode_in_guest)
        thread.mode = IN_GUEST
        await t.step(t.o.recheck_requests)
        seen = thread.requests != 0 or thread.stop
        seen = seen or (self.resched_delays_entry and t.p.need_resched)
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

    async def wait_loop(self, t: Context) -> None:
        """kvm_vcpu_block's loop: sleep until there is something to run for."""
        thread = self.machine.threads[t.v]
        while True:
            await self.point(t, "set_interruptible")
            thread.state = INTERRUPTIBLE
            await self.point(t, "check_block")
            if thread.stop or self.runnable(t):
                break
            await self.block(t)

    def runnable(self, t: Context) -> bool:
        """kvm_arch_vcpu_runnable: not paused, and an interrupt that the saved PMR lets through.

        It takes ap_list_lock and irq_lock; as it only looks, it is one step here.
        """
        if self.machine.threads[t.v].pause:
            return False
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

    # -- helpers for the eras ------------------------------------------------------------------

    def put_on_hardware(self, t: Context) -> None:
        """Program the hardware timer with this VCPU's values (timer_restore_state)."""
        machine = self.machine
        machine.messages.before_access(t.c)
        timer, vtimer = machine.timers[t.c], machine.vtimers[t.v]
        timer.cntvoff = vtimer.cntvoff
        timer.cval = vtimer.cval
        timer.ctl = vtimer.ctl
        vtimer.loaded = True
        self.emit(facts.TimerRestored(t.v, VTIMER, t.c, timer.ctl, timer.cval))

    def take_off_hardware(self, t: Context) -> None:
        """Store the timer to memory and disable the hardware (timer_save_state)."""
        machine = self.machine
        timer, vtimer = machine.timers[t.c], machine.vtimers[t.v]
        vtimer.ctl = timer.ctl
        vtimer.cval = timer.cval
        timer.ctl = 0
        timer.cntvoff = 0
        vtimer.loaded = False
        self.emit(facts.TimerSaved(t.v, VTIMER, t.c, vtimer.ctl, vtimer.cval, timer.ctl))

    def soft_timer_start(self, t: Context) -> None:
        """soft_timer_start: arm the hrtimer on this CPU for the earliest deadline."""
        expiry = self.hrtimer_start(t, self.machine.hrtimers[t.v], self.earliest(t.v))
        self.emit(facts.Armed(t.v, BG_TIMER, t.c, expiry))

    def soft_timer_drop(self, v: int) -> None:
        """Take the hrtimer out of its queue; its callback is not running."""
        hrtimer = self.machine.hrtimers[v]
        self.emit(facts.Cancelled(v, BG_TIMER, hrtimer.armed))
        self.hrtimer_drop(hrtimer)

    async def begin_load(self, t: Context) -> None:
        """Be the VCPU that this CPU has (kvm_get_running_vcpu), and load the vgic's context."""
        await t.step(t.o.set_running)
        t.p.running_vcpu = t.v
        thread = self.machine.threads[t.v]
        thread.cpu = t.c
        thread.loaded = True
        await self.load_vgic(t)

    async def end_put(self, t: Context) -> None:
        """Put the vgic's context, and leave this CPU to no VCPU."""
        await self.put_vgic(t)
        await t.step(t.o.clear_running)
        t.p.running_vcpu = -1
        self.machine.threads[t.v].loaded = False
        self.emit(facts.Put(t.v, t.c))

    async def load_vgic(self, t: Context) -> None:
        """kvm_vgic_load: VMCR and active priorities."""
        await t.step(t.o.vgic_load)
        machine = self.machine
        machine.messages.before_access(t.c)
        vgic = machine.vgics[t.v]
        machine.gic.restore_vmcr(t.c, vgic.vmcr)
        machine.gic.restore_apr(t.c, vgic.apr)

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
