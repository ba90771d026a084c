"""KVM's timers: the virtual one, which the hardware runs, and the physical one, which KVM emulates.

Linux arch/arm64/kvm/arch_timer.c. With VHE the hardware runs both (``direct_ptimer``). Without, the
real physical timer is the host's, and every
access of a guest to its own traps. What the comparator would do, a soft timer does while the VCPU
is loaded, and the background timer, armed for the earliest of both timers, while it sleeps. Its
output is a level interrupt of software, vINTID 30, with the EOI bit in its List Register; all of it
is there only in a machine whose guests use that timer.
"""

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from model.guest import CNTP_TVAL, READ_PTIMER, REGISTERS, Instruction
from model.host.thread import HrTimer
from model.identity import BG_TIMER, PTIMER, VTIMER
from model.timer import PTIMER_PPI, VTIMER_PPI
from model.timer_context import TimerContext
from model.vgic.irq import VgicIrq

__all__ = ["ArchTimer"]

INTIDS = {VTIMER: VTIMER_PPI, PTIMER: PTIMER_PPI}


class ArchTimer(Hooks):
    """arch_timer.c."""

    # -- which timer ---------------------------------------------------------------------------

    def timers(self, v: int) -> tuple[TimerContext, ...]:
        """Return the timers that the guest of VCPU ``v`` uses, the virtual one first."""
        timers = self.machine.timers[v]
        return tuple(timers[n] for n in self.machine.timer_numbers)

    def timer_irq(self, v: int, timer: int = VTIMER) -> VgicIrq:
        """Return the virtual interrupt of timer ``timer`` of VCPU ``v``."""
        return self.machine.private[v, INTIDS[timer]]

    def emulates(self) -> bool:
        """Tell whether guests use a physical timer that KVM emulates (get_timer_map)."""
        return PTIMER in self.machine.timer_numbers and not self.machine.direct_ptimer

    def blocking_timers(self, v: int) -> tuple[TimerContext, ...]:
        """Return the timers that the background timer of VCPU ``v`` stands in for."""
        return self.timers(v)

    def earliest(self, v: int) -> int:
        """kvm_timer_earliest_exp: when the first of them fires, as they are in memory; -1: none."""
        timers = self.blocking_timers(v)
        return min((timer.deadline() for timer in timers if timer.can_fire()), default=-1)

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Decide the physical active state: the line needs it, or the guest has it active."""
        return level or active

    async def soft_timer_work(self, w: Context, v: int) -> None:
        """kvm_timer_inject_irq_work: since 4.15 there is no work item."""

    # -- the hardware timer ----------------------------------------------------------------------

    def put_on_hardware(self, t: Context) -> None:
        """timer_restore_state: program the CPU's timer with this VCPU's values."""
        self.machine.messages.before_access(t.c)
        self.machine.timers[t.v][VTIMER].restore_to(self.machine.hw_timers[t.c], t.c)

    def take_off_hardware(self, t: Context) -> None:
        """timer_save_state: store the CPU's timer to memory and disable it."""
        self.machine.timers[t.v][VTIMER].save_from(self.machine.hw_timers[t.c], t.c)

    def input_level(self, t: Context, v: int) -> bool:
        """kvm_arch_timer_get_input_level: from the hardware while loaded, else from memory."""
        vtimer = self.machine.timers[v][VTIMER]
        if vtimer.loaded:
            return vtimer.sample_live(self.machine.hw_timers[t.c])
        return vtimer.sample(self.machine.clock.now)

    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        """kvm_timer_update_irq: give the vgic the level of a timer of VCPU ``v``."""
        await self.inject_irq(ctx, self.timer_irq(v, timer), v, level)

    # -- the emulated timer ----------------------------------------------------------------------

    async def handle_timer(self, t: Context) -> None:
        """access_arch_timer, a write: until 4.15 it is stored, and looked at before the entry."""
        access = await self.decode(t)
        if access.code == READ_PTIMER:
            await self.read_ptimer(t, access)
        else:
            await self.write_ptimer(t, access)

    async def write_ptimer(self, t: Context, access: Instruction) -> None:
        """kvm_arm_timer_write: TVAL, which sets CVAL, or CTL."""
        await self.before_write(t)
        ptimer = self.machine.timers[t.v][PTIMER]
        if access.code == CNTP_TVAL:
            ptimer.write(cval=self.machine.clock.now + access.a)
        else:
            ptimer.write(ctl=access.a)

    async def read_ptimer(self, t: Context, access: Instruction) -> None:
        """kvm_arm_timer_read: CTL with ISTATUS, CVAL or TVAL, as they are in memory.

        In 4.14 access_cntp_ctl and its like do the same. ISTATUS is set whenever the time is over,
        ENABLE or not.
        """
        await self.point(t, Steps.read_ptimer)
        now = self.machine.clock.now
        self.machine.timers[t.v][PTIMER].read(REGISTERS[access.a], now)

    async def before_write(self, t: Context) -> None:
        """Make the step of the register write, at which nothing can come in between."""
        await t.step(Steps.write_ptimer)

    def level_changes(self, ptimer: TimerContext, level: bool) -> bool:
        """Tell whether the vgic must be told of the output: whenever it is another."""
        return level != ptimer.irq_level

    async def update_ptimer(self, t: Context) -> bool:
        """Recompute the output and inject it if it changed; return whether it is to rise later.

        kvm_timer_update_state in 4.14, the first half of timer_emulate today.
        """
        await t.step(Steps.update_ptimer)
        ptimer = self.machine.timers[t.v][PTIMER]
        level = ptimer.should_fire(self.machine.clock.now)
        later = ptimer.can_fire() and not level
        if self.level_changes(ptimer, level):
            ptimer.irq_level = level
            await self.inject_timer(t, t.v, PTIMER, level)
        return later

    async def emulate(self, t: Context) -> None:
        """timer_emulate: the output as it is now, and a soft timer for its next rise.

        Since b450dcce93bc (2025) the second is done whatever came of the first. The soft timer was
        cancelled before. What falls due meanwhile makes it fire at once.
        """
        if self.emulates() and await self.update_ptimer(t):
            await t.step(Steps.emulation_arm)
            self.soft_timer_start(t, PTIMER)

    async def stop_emulation(self, t: Context) -> None:
        """soft_timer_cancel, before a write and when the VCPU is put."""
        if self.emulates():
            await self.hrtimer_cancel(t, Steps.emulation_cancel, self.machine.hrtimers[t.v, PTIMER])
            self.soft_timer_drop(t.v, PTIMER)

    async def emulation_expired(self, h: Context, v: int) -> None:
        """kvm_hrtimer_expire: inject. It asks for the time only, not whether the timer is on."""
        await self.inject_timer(h, v, PTIMER, True)

    # -- soft timers -----------------------------------------------------------------------------

    def soft_timer(self, v: int, timer: int) -> HrTimer:
        """Return the hrtimer that stands in for ``timer`` of VCPU ``v``, or for all (BG_TIMER)."""
        return self.machine.hrtimers[v, timer]

    def soft_timer_start(self, t: Context, timer: int) -> None:
        """soft_timer_start: arm on this CPU for the deadline, or for now if it is past already.

        Args:
            t: the context that arms it.
            timer: the timer that it stands in for; BG_TIMER for the earliest of a sleeper's.

        """
        machine = self.machine
        hrtimer = self.soft_timer(t.v, timer)
        self.hrtimer_dequeue(hrtimer)
        if timer == BG_TIMER:
            deadline = self.earliest(t.v)
        else:
            deadline = machine.timers[t.v][timer].deadline()
        hrtimer.start(t.c, max(deadline, machine.clock.now), timer)
        if hrtimer.expiry <= machine.clock.now:
            machine.signals[t.c].soft |= hrtimer.signal

    def soft_timer_drop(self, v: int, timer: int) -> None:
        """Take a soft timer out of its queue; its callback is not running."""
        hrtimer = self.soft_timer(v, timer)
        if hrtimer.armed:
            self.machine.signals[hrtimer.cpu].soft &= ~hrtimer.signal
        hrtimer.cancel(timer)

    def hrtimer_dequeue(self, hrtimer: HrTimer) -> None:
        """remove_hrtimer: what is armed already is armed anew."""
        if hrtimer.armed:
            self.machine.signals[hrtimer.cpu].soft &= ~hrtimer.signal

    async def hrtimer_cancel(self, t: Context, step: Step, hrtimer: HrTimer) -> None:
        """hrtimer_cancel waits for a running callback; preemption is off."""
        op = t.here[step]
        if t.p.irqs_off:
            await t.task.step(op, hrtimer.idle, hrtimer.bit)
        else:
            await t.task.step(
                op, lambda: hrtimer.idle() and t.irqs_clear(), hrtimer.bit | t.irqs_reads
            )
