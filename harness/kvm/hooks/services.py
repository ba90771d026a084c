"""What the parts of KVM lend each other; no hooks: a variant does not override them."""

from harness.context import Context
from harness.contract import Guard
from harness.engine.footprint import Step
from model.device import SoftwareDevice
from model.guest import Instruction
from model.host.thread import HrTimer
from model.identity import VTIMER
from model.timer_context import TimerContext
from model.vgic.cpu import DistCtlr
from model.vgic.irq import VgicIrq

__all__ = ["Services"]


class Services:
    """What the parts of KVM lend each other; no hooks: a variant does not override them."""

    async def vcpu_thread(self, t: Context) -> None:
        """Run the thread of a VCPU from its first KVM_RUN to the end of its guest."""
        raise NotImplementedError

    def pause_all(self) -> None:
        """kvm_arm_halt_guest, the first half: ``pause`` is set in all."""
        raise NotImplementedError

    async def ask_to_leave(self, t: Context, own: int) -> None:
        """Its second half, whoever asks; ``own`` is its VCPU, or -1."""
        raise NotImplementedError

    async def calls_done(self, t: Context) -> None:
        """smp_call_function_many's wait: preemption off, interrupts on."""
        raise NotImplementedError

    async def acquire(self, t: Context, *, sleeping: bool) -> None:
        """Get the CPU the thread is placed on; a sleeper must be woken first."""
        raise NotImplementedError

    async def release(self, t: Context) -> None:
        """Leave the CPU to others: the end of the context switch."""
        raise NotImplementedError

    async def point(self, t: Context, step: Step, v: int = -1, *, loaded: bool = True) -> None:
        """Make ``step`` where the thread can be preempted, as often as it is."""
        raise NotImplementedError

    async def preempted(self, t: Context, *, loaded: bool = True) -> None:
        """Switch out and in again; the preempt notifiers put and load the VCPU."""
        raise NotImplementedError

    async def switch(self, t: Context, *, sleeping: bool, loaded: bool = True) -> None:
        """Give the CPU away and get one again: put, release, acquire, load."""
        raise NotImplementedError

    async def irq_save(self, ctx: Context) -> bool:
        """local_irq_save: return whether interrupts were on, and must be restored."""
        raise NotImplementedError

    async def irq_restore(self, ctx: Context, saved: bool) -> None:
        """local_irq_restore."""
        raise NotImplementedError

    async def irqs_off_point(self, t: Context) -> None:
        """Mask interrupts where the thread may have been preempted before."""
        raise NotImplementedError

    def select_cpu(self, ctx: Context, v: int) -> None:
        """select_task_rq: any CPU, where the scenario says so, for a thread that has left its."""
        raise NotImplementedError

    async def about_to_sleep(self, t: Context) -> bool:
        """Mask interrupts for the switch; there is none if the thread was woken already."""
        raise NotImplementedError

    def timers(self, v: int) -> tuple[TimerContext, ...]:
        """Return the timers that the guest of VCPU ``v`` uses, the virtual one first."""
        raise NotImplementedError

    def timer_irq(self, v: int, timer: int = VTIMER) -> VgicIrq:
        """Return the virtual interrupt of timer ``timer`` of VCPU ``v``."""
        raise NotImplementedError

    def emulates(self) -> bool:
        """Tell whether guests use a physical timer that KVM emulates (get_timer_map)."""
        raise NotImplementedError

    def hrtimer_dequeue(self, hrtimer: HrTimer) -> None:
        """remove_hrtimer: what is armed already is armed anew."""
        raise NotImplementedError

    @property
    def polls(self) -> bool:
        """Whether the end of a HW register's life is read from the distributor (R11)."""
        raise NotImplementedError

    async def irq_unlock(self, t: Context, irq: VgicIrq) -> None:
        """Drop irq_lock, interrupts still off."""
        raise NotImplementedError

    async def decode(self, t: Context) -> Instruction:
        """kvm_handle_guest_abort and kvm_handle_sys_reg: find out what was accessed."""
        raise NotImplementedError

    async def unlock(self, t: Context, irq: VgicIrq) -> None:
        """raw_spin_unlock_irqrestore: drop irq_lock and let interrupts in."""
        raise NotImplementedError

    def is_far(self, t: Context, irq: VgicIrq) -> bool:
        """Tell whether it is another VCPU's redistributor that VCPU ``t.v`` accesses (GICv3)."""
        raise NotImplementedError

    def dist_ctlr(self) -> DistCtlr:
        """Return dist->enabled, which there is where a guest accesses GICD_CTLR."""
        raise NotImplementedError

    def software_device(self, vintid: int) -> SoftwareDevice | None:
        """Return the VM monitor's device with that vINTID, if it is one of its."""
        raise NotImplementedError

    async def wait_until(self, t: Context, irq: VgicIrq, ready: Guard, reads: int) -> None:
        """cond_resched_lock in a loop: wait with interrupts on, where preemption can come."""
        raise NotImplementedError
