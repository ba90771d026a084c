"""Hooks of arch_timer.c: both timers and their soft timers."""

from harness.context import Context
from harness.engine.footprint import Step
from model.guest import Instruction
from model.host.thread import HrTimer
from model.timer_context import TimerContext

__all__ = ["TimerHooks"]


class TimerHooks:
    """Hooks of arch_timer.c: both timers and their soft timers."""

    async def timer_isr(self, h: Context) -> bool | None:
        """kvm_arch_timer_handler: the host's handler; return the line as it saw it, if it did."""
        raise NotImplementedError

    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        """kvm_bg_timer_expire: the soft timer's callback; return whether a work item was queued."""
        raise NotImplementedError

    async def soft_timer_work(self, w: Context, v: int) -> None:
        """kvm_timer_inject_irq_work: the work item (only before 4.15 is there one)."""
        raise NotImplementedError

    async def cancel_soft_timer(self, t: Context, hrtimer: HrTimer) -> None:
        """kvm_timer_unblocking, kvm_timer_unschedule: when a sleeper goes on."""
        raise NotImplementedError

    def blocking_timers(self, v: int) -> tuple[TimerContext, ...]:
        """Return the timers that the background timer of VCPU ``v`` stands in for."""
        raise NotImplementedError

    def earliest(self, v: int) -> int:
        """kvm_timer_earliest_exp: when the first of them fires, as they are in memory; -1: none."""
        raise NotImplementedError

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Decide the physical active state: the line needs it, or the guest has it active."""
        raise NotImplementedError

    def put_on_hardware(self, t: Context) -> None:
        """timer_restore_state: program the CPU's timer with this VCPU's values."""
        raise NotImplementedError

    def take_off_hardware(self, t: Context) -> None:
        """timer_save_state: store the CPU's timer to memory and disable it."""
        raise NotImplementedError

    def input_level(self, t: Context, v: int) -> bool:
        """kvm_arch_timer_get_input_level: from the hardware while loaded, else from memory."""
        raise NotImplementedError

    async def load_ptimer(self, t: Context) -> None:
        """kvm_timer_vcpu_load_gic, of a physical timer that the hardware runs (VHE)."""
        raise NotImplementedError

    async def restore_ptimer(self, t: Context) -> None:
        """timer_restore_state: program the CPU's physical timer with this VCPU's values (VHE)."""
        raise NotImplementedError

    async def save_ptimer(self, t: Context) -> None:
        """timer_save_state: store the CPU's physical timer to memory and disable it (VHE)."""
        raise NotImplementedError

    def ptimer_level(self, t: Context, v: int) -> bool:
        """kvm_arch_timer_get_input_level, of the physical timer (VHE)."""
        raise NotImplementedError

    async def ptimer_isr(self, h: Context) -> bool | None:
        """kvm_arch_timer_handler, for the physical timer's interrupt (VHE)."""
        raise NotImplementedError

    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        """kvm_timer_update_irq: give the vgic the level of a timer of VCPU ``v``."""
        raise NotImplementedError

    async def handle_timer(self, t: Context) -> None:
        """access_arch_timer, a write: until 4.15 it is stored, and looked at before the entry."""
        raise NotImplementedError

    async def write_ptimer(self, t: Context, access: Instruction) -> None:
        """kvm_arm_timer_write: TVAL, which sets CVAL, or CTL."""
        raise NotImplementedError

    async def read_ptimer(self, t: Context, access: Instruction) -> None:
        """kvm_arm_timer_read: CTL with ISTATUS, CVAL or TVAL, as they are in memory."""
        raise NotImplementedError

    async def before_write(self, t: Context) -> None:
        """Make the step of the register write, at which nothing can come in between."""
        raise NotImplementedError

    def level_changes(self, ptimer: TimerContext, level: bool) -> bool:
        """Tell whether the vgic must be told of the output: whenever it is another."""
        raise NotImplementedError

    async def update_ptimer(self, t: Context) -> bool:
        """Recompute the output and inject it if it changed; return whether it is to rise later."""
        raise NotImplementedError

    async def emulate(self, t: Context) -> None:
        """timer_emulate: the output as it is now, and a soft timer for its next rise."""
        raise NotImplementedError

    async def stop_emulation(self, t: Context) -> None:
        """soft_timer_cancel, before a write and when the VCPU is put."""
        raise NotImplementedError

    async def emulation_expired(self, h: Context, v: int) -> None:
        """kvm_hrtimer_expire: inject. It asks for the time only, not whether the timer is on."""
        raise NotImplementedError

    def soft_timer(self, v: int, timer: int) -> HrTimer:
        """Return the hrtimer that stands in for ``timer`` of VCPU ``v``, or for all (BG_TIMER)."""
        raise NotImplementedError

    def soft_timer_start(self, t: Context, timer: int) -> None:
        """soft_timer_start: arm on this CPU for the deadline, or for now if it is past already."""
        raise NotImplementedError

    def soft_timer_drop(self, v: int, timer: int) -> None:
        """Take a soft timer out of its queue; its callback is not running."""
        raise NotImplementedError

    async def hrtimer_cancel(self, t: Context, step: Step, hrtimer: HrTimer) -> None:
        """hrtimer_cancel waits for a running callback; preemption is off."""
        raise NotImplementedError
