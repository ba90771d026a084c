"""The hypervisor under test, run by a trace: its own functions, with what happens outside shown.

Each override here does one of two things: it tells the follower what was decided and goes on as
the hypervisor does, or, where the hypervisor would look at hardware or at another thread, it takes
what the trace says. No decision is made here.
"""

from collections.abc import Iterable
from typing import Any, Protocol, cast

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.kvm import Kvm
from harness.runtime import Runtime
from harness.trace.follow.kernels import Kernel
from model.gic.lr import Lr
from model.guest import Instruction
from model.identity import BG_TIMER, VTIMER
from model.vgic.irq import VgicIrq

__all__ = ["Followed", "Watcher", "hypervisor"]


class Watcher(Protocol):
    """Who is told what the hypervisor decides, and knows what the trace says."""

    def accepts(self, irq: VgicIrq, level: bool, accepted: bool) -> bool:
        """An injection is accepted or not; return what the kernel did."""

    def queueing(self, irq: VgicIrq) -> None:
        """``irq`` is about to be queued, its lock held."""

    def kicks(self, v: int) -> None:
        """VCPU ``v`` is to be kicked."""

    def populated(self, irq: VgicIrq, lr: Lr) -> None:
        """``irq`` was put into the next List Register, as ``lr``."""

    def folded(self, irq: VgicIrq, lr: Lr, deactivated: bool) -> None:
        """``lr`` was folded; the line has not been read again yet."""

    def line(self, irq: VgicIrq) -> bool:
        """Return the line of ``irq`` as the kernel read it."""

    def phys_active(self, v: int, intid: int, active: bool) -> None:
        """The physical active state of ``intid`` is written."""

    def injects(self, irq: VgicIrq, level: bool) -> None:
        """A timer gives the vgic the level of its interrupt."""

    def arms(self, v: int, expiry: int) -> None:
        """The background timer of ``v`` is set, to ``expiry`` (ns)."""

    def wakes(self, v: int) -> None:
        """The thread of ``v`` is woken."""

    def halts(self, halt: bool) -> None:
        """All guests are halted for an access to active states, or (``halt`` false) none is."""

    def defers(self) -> None:
        """A trapped DIR is carried out as a write to ICACTIVER."""

    def unqueued(self, irq: VgicIrq) -> None:
        """``irq`` left its ap_list."""

    def interrupts(self, cpu: int) -> None:
        """CPU ``cpu`` is sent an IPI."""


class Followed(Hooks):
    """What is laid over an era so that a trace can run it."""

    watch: Watcher
    trap: Instruction
    injecting: bool
    """Whether an injection is carried out; else it is only told that there would be one."""
    kicking: bool
    """The same of a kick."""
    deferring: bool
    """Whether a change of the active state is only told: the trace has it later."""

    # -- decisions that are told -----------------------------------------------------------------

    def accepts_injection(self, irq: VgicIrq, level: bool) -> bool:
        """Go on as the kernel did."""
        return self.watch.accepts(irq, level, super().accepts_injection(irq, level))

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        """Carry it out when the trace has it."""
        if self.injecting:
            await super().inject_irq(ctx, irq, v, level)
        else:
            self.watch.injects(irq, level)

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """Tell first: the trace shows the interrupt as it is here."""
        self.watch.queueing(irq)
        await super().queue_irq_unlock(ctx, irq, saved)

    async def kick(self, ctx: Context, v: int) -> None:
        """Tell who is kicked; carry it out when the trace has it."""
        if self.kicking:
            await super().kick(ctx, v)
        else:
            self.watch.kicks(v)

    def populate_lr(self, irq: VgicIrq) -> Lr:
        """Tell what goes into the List Register."""
        lr = super().populate_lr(irq)
        self.watch.populated(irq, lr)
        return lr

    def resample_needed(self, irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
        """Tell what the fold made of the interrupt."""
        self.watch.folded(irq, lr, deactivated)
        return super().resample_needed(irq, lr, deactivated=deactivated)

    def unqueue(self, t: Context, irq: VgicIrq) -> None:
        """Tell that it left the list."""
        super().unqueue(t, irq)
        self.watch.unqueued(irq)

    async def wake_up(self, ctx: Context, v: int) -> bool:
        """Tell who is woken."""
        self.watch.wakes(v)
        return self.machine.threads[v].wake()

    def send_ipi(self, ctx: Context, cpu: int, sgi: int) -> None:
        """Tell which CPU is sent an IPI."""
        self.watch.interrupts(cpu)

    # -- what the trace says ---------------------------------------------------------------------

    def device_level(self, t: Context, irq: VgicIrq) -> bool:
        """Take what the kernel read."""
        return self.watch.line(irq)

    def set_phys_active(self, t: Context, intid: int, active: bool) -> None:
        """Tell; the trace has the write."""
        self.watch.phys_active(t.v, intid, active)

    async def deactivate_phys(self, t: Context, irq: VgicIrq) -> None:
        """Nothing of the physical GIC is followed but writes of the active state."""

    async def decode(self, t: Context) -> Instruction:
        """Take what the guest accessed from the trace."""
        return self.trap

    async def access_active(self, t: Context, irq: VgicIrq, *, halt: bool) -> None:
        """Tell whether the guests are halted."""
        self.watch.halts(halt)

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        """Carry it out when the trace has it."""
        if self.deferring:
            self.watch.defers()
        else:
            await super().change_active(t, irq, on)

    async def end_active(self, t: Context, *, halt: bool) -> None:
        """Letting them go on is not in a trace."""

    async def wait_folded(self, t: Context, irq: VgicIrq) -> None:
        """When the trace has the write, the wait is over."""

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        """It is."""
        return True

    # -- the timer -------------------------------------------------------------------------------

    def put_on_hardware(self, t: Context) -> None:
        """The CPU's timer has it from here on."""
        self.machine.timers[t.v][VTIMER].loaded = True

    def take_off_hardware(self, t: Context) -> None:
        """Memory has it from here on, as the trace said."""
        self.machine.timers[t.v][VTIMER].loaded = False

    async def begin_load(self, t: Context) -> None:
        """The trace says where it is loaded."""

    async def end_put(self, t: Context) -> None:
        """The trace says that it was put."""

    def soft_timer_start(self, t: Context, timer: int) -> None:
        """Tell for when."""
        super().soft_timer_start(t, timer)
        if timer == BG_TIMER:
            self.watch.arms(t.v, self.machine.hrtimers[t.v, timer].expiry)


def hypervisor(kernel: Kernel, rt: Runtime, watch: Watcher, over: Iterable[type] = ()) -> Followed:
    """Return the hypervisor that ``kernel`` had, run by a trace.

    Args:
        kernel: which one.
        rt: the machine.
        watch: who is told what it decides.
        over: hooks that are laid over it: planted faults.

    """
    bases: tuple[Any, ...] = (Followed, *over, *kernel.classes())
    cls = type("FollowedKvm", bases, {})
    made = cast("Followed", cls(rt))
    assert isinstance(made, Kvm), "an era is one"
    made.watch = watch
    made.injecting = made.kicking = made.deferring = False
    made.trap = Instruction(0)
    return made
