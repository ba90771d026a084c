"""Hooks of arm.c, handle_exit.c and kvm_main.c: the run loop, threads, sleep and kicks."""

from harness.context import Context
from harness.contract import Guard

__all__ = ["RunHooks"]


class RunHooks:
    """Hooks of arm.c, handle_exit.c and kvm_main.c: the run loop, threads, sleep and kicks."""

    async def run_once(self, t: Context) -> str:
        """One turn of kvm_arch_vcpu_ioctl_run; return why the guest was left, if it was."""
        raise NotImplementedError

    async def vcpu_load(self, t: Context) -> None:
        """kvm_arch_vcpu_load: when the thread gets a CPU, and at KVM_RUN."""
        raise NotImplementedError

    async def vcpu_put(self, t: Context) -> None:
        """kvm_arch_vcpu_put: when the thread gives its CPU up, and on return to user space."""
        raise NotImplementedError

    async def handle_wfi(self, t: Context) -> None:
        """kvm_handle_wfx: block until there is something to run for."""
        raise NotImplementedError

    async def handle_exit(self, t: Context, reason: str) -> None:
        """handle_exit: do what the guest left for."""
        raise NotImplementedError

    async def handle_psci(self, t: Context) -> None:
        """kvm_psci_0_2_call: the guest powers its VCPU off (CPU_OFF)."""
        raise NotImplementedError

    async def check_requests(self, t: Context) -> str:
        """check_vcpu_requests: consume what was asked; return "signal" if there is one (7.2)."""
        raise NotImplementedError

    async def ready_to_enter(self, t: Context) -> bool:
        """Announce guest mode, then look once more whether something was asked."""
        raise NotImplementedError

    def entry_is_refused(self, t: Context) -> bool:
        """kvm_vcpu_exit_request: tell whether something was asked since the last look."""
        raise NotImplementedError

    async def enter_guest(self, t: Context) -> str:
        """Enter, run the guest, and come back with interrupts still off; return why it left."""
        raise NotImplementedError

    def forced_exit(self, t: Context) -> Guard:
        """Return when the CPU leaves the guest by itself: HCR_EL2.IMO routes its IRQ to EL2."""
        raise NotImplementedError

    def leave_guest_mode(self, t: Context) -> None:
        """Complete the exit: the CPU is the host's again, its interrupts still masked."""
        raise NotImplementedError

    async def irq_enable(self, t: Context) -> None:
        """local_irq_enable: what is pending on this CPU is handled now."""
        raise NotImplementedError

    def runnable(self, t: Context) -> bool:
        """kvm_arch_vcpu_runnable: not paused, and an interrupt that the saved PMR lets through."""
        raise NotImplementedError

    async def begin_load(self, t: Context) -> None:
        """Set the CPU's running VCPU (kvm_get_running_vcpu), and the VCPU's CPU."""
        raise NotImplementedError

    async def end_put(self, t: Context) -> None:
        """Put the vgic's context, and clear the CPU's running VCPU."""
        raise NotImplementedError

    async def halt_guests(self, t: Context) -> None:
        """kvm_arm_halt_guest: have every VCPU leave its guest and stay out, under config_lock."""
        raise NotImplementedError

    def pause_guest(self, v: int) -> None:
        """kvm_arm_halt_guest, of one VCPU: it must stay out of its guest."""
        raise NotImplementedError

    def resume_guest(self, v: int) -> None:
        """kvm_arm_resume_guest, of one VCPU: it may run again."""
        raise NotImplementedError

    async def irq_bypass_stop(self, b: Context) -> None:
        """kvm_arch_irq_bypass_stop: irq bypass halts all guests, without config_lock."""
        raise NotImplementedError

    async def irq_bypass_start(self, b: Context) -> None:
        """kvm_arch_irq_bypass_start: it lets them go on."""
        raise NotImplementedError

    async def resume_guests(self, t: Context) -> None:
        """kvm_arm_resume_guest."""
        raise NotImplementedError

    async def block(self, t: Context) -> None:
        """Call schedule() for a VCPU whose guest idles."""
        raise NotImplementedError

    async def sleep(self, t: Context, *, loaded: bool = True) -> None:
        """Call schedule() for a thread that waits for something else."""
        raise NotImplementedError

    async def return_to_user(self, t: Context) -> None:
        """Complete an access in user space: put with IRQs on, user space, KVM_RUN, load."""
        raise NotImplementedError

    async def stop_in_user(self, t: Context) -> None:
        """Return to user space on the VM monitor's signal, and wait there for the end of it."""
        raise NotImplementedError

    async def prepare_wait(self, t: Context) -> None:
        """prepare_to_rcuwait: from here a kick finds the thread waiting."""
        raise NotImplementedError

    async def wait_loop(self, t: Context) -> None:
        """kvm_vcpu_block's loop: sleep until there is something to run for."""
        raise NotImplementedError

    async def finish_wait(self, t: Context) -> None:
        """finish_rcuwait."""
        raise NotImplementedError

    async def paused(self, t: Context) -> None:
        """kvm_vcpu_sleep, on KVM_REQ_SLEEP: stay out of the guest while it is asked for."""
        raise NotImplementedError

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        """kvm_make_request(KVM_REQ_IRQ_PENDING) and kvm_vcpu_kick."""
        raise NotImplementedError

    async def wake_up(self, ctx: Context, v: int) -> bool:
        """kvm_vcpu_wake_up: return whether the thread slept or was about to."""
        raise NotImplementedError

    async def kick(self, ctx: Context, v: int) -> None:
        """kvm_vcpu_kick: wake the thread, or force it out of its guest by an IPI."""
        raise NotImplementedError

    async def signal_vcpu(self, u: Context, v: int) -> None:
        """signal_wake_up: the VM monitor stops the thread of VCPU ``v`` by a signal."""
        raise NotImplementedError

    def send_ipi(self, ctx: Context, cpu: int, sgi: int) -> None:
        """Interrupt another CPU of the host."""
        raise NotImplementedError

    async def lock_config(self, t: Context) -> None:
        """mutex_lock(config_lock): who finds it taken sleeps."""
        raise NotImplementedError

    async def unlock_config(self, t: Context) -> None:
        """mutex_unlock(config_lock)."""
        raise NotImplementedError
