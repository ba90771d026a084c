"""The run loop of a VCPU: KVM_RUN, entries and exits, requests, halting the guests.

Linux arch/arm64/kvm/arm.c and handle_exit.c. An era says what one turn of the run loop does
(``run_once``), what load and put do, and how a thread blocks.
"""

from harness.context import Context
from harness.contract import Guard
from harness.guest.cpu import run_guest
from harness.kvm.hooks import Hooks
from harness.kvm.kvm_main import SGI_CALL
from harness.kvm.steps import Steps
from model.host.thread import (
    IN_GUEST,
    OUTSIDE,
    REQ_IRQ_PENDING,
    REQ_PROCESS_UPDATE,
    REQ_SLEEP,
)
from model.part import bits_of

__all__ = ["Arm"]


class Arm(Hooks):
    """KVM_RUN."""

    async def vcpu_thread(self, t: Context) -> None:
        """Run the thread of a VCPU from its first KVM_RUN to the end of its guest."""
        await self.acquire(t, sleeping=False)
        await self.vcpu_load(t)
        while True:
            reason = await self.run_once(t)
            if reason == "halt":
                break
            await self.handle_exit(t, reason)
        await self.point(t, Steps.halted)
        self.machine.threads[t.v].finish()
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
        elif reason == "psci":
            await self.handle_psci(t)
        elif reason in ("user", "device"):
            await self.return_to_user(t)
        elif reason == "signal":
            await self.stop_in_user(t)

    async def handle_psci(self, t: Context) -> None:
        """kvm_psci_0_2_call, CPU_OFF: kvm_arm_vcpu_power_off; the next turn sleeps.

        It kicks itself as well, which does nothing as it is out of its guest.
        """
        await self.point(t, Steps.power_off)
        self.machine.threads[t.v].power_off()

    # -- the run loop's pieces -----------------------------------------------------------------

    async def check_requests(self, t: Context) -> str:
        """check_vcpu_requests: consume what was asked before this entry.

        A signal, by which the VM monitor stops the VCPU, is looked at first since 6caa5812e2d1
        (kvm_xfer_to_guest_mode_handle_work): then the requests are not, and this turn leads to user
        space. What comes while the thread sleeps is consumed after that.
        """
        await self.point(t, Steps.check_requests)
        thread = self.machine.threads[t.v]
        thread.check_requests()
        if thread.stop and not self.signal_after_flush:
            return "signal"
        if thread.requests & REQ_SLEEP:
            thread.requests &= ~REQ_SLEEP
            await self.paused(t)
            await self.point(t, Steps.clear_requests)
        # KVM_REQ_IRQ_PENDING asked for no more than this look.
        thread.requests &= ~REQ_IRQ_PENDING
        if thread.requests & REQ_PROCESS_UPDATE:
            thread.requests &= ~REQ_PROCESS_UPDATE
            await self.irqs_off_point(t)
            await self.prune(t)
            await self.irq_restore(t, True)
        return ""

    async def ready_to_enter(self, t: Context) -> bool:
        """Announce guest mode, then look once more whether something was asked.

        A kicker makes its request before it looks at the mode; here the mode is set before the
        requests are looked at. One of the two sees the other.
        """
        thread = self.machine.threads[t.v]
        await t.step(Steps.mode_in_guest)
        thread.mode = IN_GUEST
        await t.step(Steps.recheck_requests)
        if not self.entry_is_refused(t):
            return True
        signals = not self.signal_after_flush
        for found, window in (
            (thread.requests & REQ_IRQ_PENDING, "entry-request"),
            (thread.requests & REQ_SLEEP, "entry-halt"),
            (signals and thread.stop, "entry-signal"),
            (signals and t.p.need_resched, "entry-resched"),
        ):
            if found:
                self.machine.threads[t.v].rechecked(window)
        return False

    def entry_is_refused(self, t: Context) -> bool:
        """kvm_vcpu_exit_request: tell whether something was asked since the last look.

        Since 6caa5812e2d1 a signal and a reschedule count (xfer_to_guest_mode_work_pending); both
        send an IPI, which ends an entry that has not seen them.
        """
        thread = self.machine.threads[t.v]
        if self.signal_after_flush:
            return thread.requests != 0
        return thread.requests != 0 or thread.stop or t.p.need_resched

    async def enter_guest(self, t: Context) -> str:
        """Enter, run the guest, and come back with interrupts still off; return why it left."""
        machine = self.machine
        await t.step(Steps.enter)
        machine.messages.at_entry(t.c)
        machine.guests[t.v].instructions = 0
        t.p.enter_guest(t.v)
        return await run_guest(self.rt, t, self.forced_exit(t), self.write_dir_at_el2)

    def forced_exit(self, t: Context) -> Guard:
        """Return when the CPU leaves the guest by itself: HCR_EL2.IMO routes its IRQ to EL2."""
        return t.signals.any

    def leave_guest_mode(self, t: Context) -> None:
        """Complete the exit: the CPU is the host's again, its interrupts still masked."""
        self.machine.threads[t.v].mode = OUTSIDE
        self.machine.messages.at_exit(t.c)

    async def irq_enable(self, t: Context) -> None:
        """local_irq_enable: what is pending on this CPU is handled now."""
        await t.step(Steps.irq_enable)
        t.p.irqs_off = False

    def runnable(self, t: Context) -> bool:
        """kvm_arch_vcpu_runnable: not kept out, and something that the saved PMR lets through."""
        return not self.machine.threads[t.v].is_kept_out() and self.pending_irq(t.v)

    # -- load and put --------------------------------------------------------------------------

    async def begin_load(self, t: Context) -> None:
        """Set the CPU's running VCPU (kvm_get_running_vcpu), and the VCPU's CPU."""
        await t.step(Steps.set_running)
        t.p.running_vcpu = t.v
        thread = self.machine.threads[t.v]
        thread.cpu = t.c
        thread.loaded = True

    async def end_put(self, t: Context) -> None:
        """Put the vgic's context, and clear the CPU's running VCPU."""
        await self.put_vgic(t)
        await t.step(Steps.clear_running)
        t.p.running_vcpu = -1
        self.machine.threads[t.v].put()

    # -- halting the guests --------------------------------------------------------------------

    async def halt_guests(self, t: Context) -> None:
        """kvm_arm_halt_guest: have every VCPU leave its guest and stay out, under config_lock.

        KVM_REQ_SLEEP waits: a VCPU that is in its guest, or about to be, is sent an IPI, and its
        CPU takes that only with interrupts on. Since abd7229626b9 the only way to an active state.
        """
        dist = self.machine.dist
        dist.assert_held(t.actor, "halt the guests")
        dist.halting(t.v, halted=False)
        await t.step(Steps.pause_guests)
        self.pause_all()
        await self.ask_to_leave(t, t.v)
        dist.halting(t.v, halted=True)

    def pause_all(self) -> None:
        """``pause`` is set in all before any is asked."""
        for v in range(len(self.machine.threads)):
            self.pause_guest(v)

    async def ask_to_leave(self, t: Context, own: int) -> None:
        """Request KVM_REQ_SLEEP of all; ``own`` is who asks (-1: no VCPU)."""
        machine = self.machine
        v = 0
        while v < len(machine.threads):
            thread = machine.threads[v]
            await t.step(Steps.make_request, t.at(v))
            thread.request(REQ_SLEEP)
            if v != own:
                await t.step(Steps.kick_mode, t.at(v))
                if thread.kick_for_request(t.cpu):
                    await t.step(Steps.call_ipi, t.at(v))
                    if thread.mode == OUTSIDE:
                        self.machine.threads[v].rechecked("halt-left")
                    machine.pcpus[thread.cpu].call = True
                    self.send_ipi(t, thread.cpu, SGI_CALL)
            v += 1
        await self.calls_done(t)

    async def calls_done(self, t: Context) -> None:
        """smp_call_function_many's wait: preemption off, interrupts on."""
        pcpus = self.machine.pcpus
        reads = t.signals.bit | bits_of(pcpus)

        def done() -> bool:
            return (t.hard or t.irqs_clear()) and not any(p.call for p in pcpus)

        await t.task.step(t.here[Steps.call_wait], done, reads)

    async def resume_guests(self, t: Context) -> None:
        """kvm_arm_resume_guest."""
        v = 0
        while v < len(self.machine.threads):
            await t.step(Steps.resume_guest, t.at(v))
            self.resume_guest(v)
            self.machine.dist.resumed(t.v, v)
            await self.wake_up(t, v)
            v += 1

    def pause_guest(self, v: int) -> None:
        """Set ``pause`` of VCPU ``v``."""
        self.machine.threads[v].pause = True

    def resume_guest(self, v: int) -> None:
        """Clear it, whoever else may have set it: finding F25."""
        self.machine.threads[v].pause = False

    async def irq_bypass_stop(self, b: Context) -> None:
        """kvm_arch_irq_bypass_stop: halt all guests, without config_lock."""
        await b.step(Steps.bypass_halts)
        self.pause_all()
        for v in range(len(self.machine.threads)):
            self.machine.dist.bypassed(v, halted=True)
        await self.ask_to_leave(b, -1)

    async def irq_bypass_start(self, b: Context) -> None:
        """kvm_arch_irq_bypass_start: let them go on, though another may have them halted."""
        v = 0
        while v < len(self.machine.threads):
            await b.step(Steps.bypass_lets_go, b.at(v))
            self.resume_guest(v)
            self.machine.dist.bypassed(v, halted=False)
            await self.wake_up(b, v)
            v += 1
