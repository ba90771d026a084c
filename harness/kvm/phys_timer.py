"""The guest's physical timer (CNTP), which KVM emulates: without VHE the real one is the host's.

Linux arch/arm64/kvm/arch_timer.c. Every access traps. What the comparator would do, a soft timer
does while the VCPU is loaded, and the background timer, armed for the earliest of both timers,
while it sleeps. The output is a level interrupt of software, vINTID 30, with the EOI bit in its
List Register. All of this is there only in a machine whose guests use that timer.
"""

from harness.actors.context import Context
from harness.contract import Op
from harness.kvm.user import User
from model import facts
from model.guest import CNTP_TVAL, Instruction
from model.host.thread import HrTimer
from model.identity import PTIMER
from model.timer import PTIMER_PPI
from model.vgic.vtimer import VTimer

__all__ = ["PhysTimer"]


class PhysTimer(User):
    """The emulation of one timer, and which of both timers a sleeper is woken for."""

    emulation_timer = True
    """Whether the emulation has a soft timer of its own (f2a2129e0ac0, 4.15)."""

    def blocking_timers(self, v: int) -> tuple[VTimer, ...]:
        """Return the timers that the background timer of VCPU ``v`` stands in for."""
        return self.timers(v)

    def earliest(self, v: int) -> int:
        """kvm_timer_earliest_exp: when the first of them fires, as they are in memory; -1: none."""
        timers = self.blocking_timers(v)
        return min((timer.deadline() for timer in timers if timer.can_fire()), default=-1)

    # -- the trap ------------------------------------------------------------------------------

    async def handle_timer(self, t: Context) -> None:
        """access_arch_timer, a write: until 4.15 it is stored, and looked at before the entry."""
        access = await self.decode(t)
        await self.write_ptimer(t, access)

    async def write_ptimer(self, t: Context, access: Instruction) -> None:
        """kvm_arm_timer_write: TVAL, which sets CVAL, or CTL."""
        await self.before_write(t)
        ptimer = self.machine.ptimers[t.v]
        if access.code == CNTP_TVAL:
            ptimer.cval = self.machine.clock.now + access.a
        else:
            ptimer.ctl = access.a
        self.emit(facts.GuestTimer(t.v, PTIMER, ptimer.cval, ptimer.ctl, ptimer.cval))

    async def before_write(self, t: Context) -> None:
        """Come to the write."""
        await t.step(t.o.write_ptimer)

    # -- the output ----------------------------------------------------------------------------

    def level_changes(self, ptimer: VTimer, level: bool) -> bool:
        """Tell whether the vgic must be told of the output: whenever it is another."""
        return level != ptimer.irq_level

    async def update_ptimer(self, t: Context) -> bool:
        """Recompute the output and inject it if it changed; return whether it is to rise later.

        kvm_timer_update_state in 4.14, the first half of timer_emulate today.
        """
        await t.step(t.o.update_ptimer)
        ptimer = self.machine.ptimers[t.v]
        level = ptimer.should_fire(self.machine.clock.now)
        later = ptimer.can_fire() and not level
        if self.level_changes(ptimer, level):
            ptimer.irq_level = level
            await self.inject_ptimer(t, t.v, level)
        return later

    async def inject_ptimer(self, ctx: Context, v: int, level: bool) -> None:
        """kvm_timer_update_irq: nothing is mapped, so that both edges are told to the vgic."""
        await self.inject_irq(ctx, self.machine.private[v, PTIMER_PPI], v, level)

    # -- its soft timer ------------------------------------------------------------------------

    async def emulate(self, t: Context) -> None:
        """timer_emulate: the output as it is now, and a soft timer for its next rise.

        Since b450dcce93bc (2025) the second is done whatever came of the first. The soft timer was
        cancelled before. What falls due meanwhile makes it fire at once.
        """
        if self.machine.ptimers and await self.update_ptimer(t):
            await t.step(t.o.emulation_arm)
            self.emulation_start(t, self.machine.phrtimers[t.v])

    async def stop_emulation(self, t: Context) -> None:
        """soft_timer_cancel, before a write and when the VCPU is put."""
        if self.machine.ptimers:
            hrtimer = self.machine.phrtimers[t.v]
            await self.hrtimer_cancel(t, t.o.emulation_cancel, hrtimer)
            self.emulation_drop(t.v, hrtimer)

    async def emulation_expired(self, h: Context, v: int) -> None:
        """kvm_hrtimer_expire: inject. It asks for the time only, not whether the timer is on."""
        await self.inject_ptimer(h, v, True)

    def emulation_start(self, t: Context, hrtimer: HrTimer) -> None:
        """Arm the soft timer for the physical timer's deadline."""
        expiry = self.hrtimer_start(t, hrtimer, self.machine.ptimers[t.v].deadline())
        self.emit(facts.Armed(t.v, PTIMER, t.c, expiry))

    def emulation_drop(self, v: int, hrtimer: HrTimer) -> None:
        """Take it out of its queue again."""
        self.emit(facts.Cancelled(v, PTIMER, hrtimer.armed))
        self.hrtimer_drop(hrtimer)

    # -- hrtimers ------------------------------------------------------------------------------

    def hrtimer_start(self, t: Context, hrtimer: HrTimer, deadline: int) -> int:
        """hrtimer_start, on this CPU; return the expiry, which is now if it is past already."""
        machine = self.machine
        self.hrtimer_drop(hrtimer)
        hrtimer.armed = True
        hrtimer.cpu = t.c
        hrtimer.expiry = max(deadline, machine.clock.now)
        if hrtimer.expiry <= machine.clock.now:
            machine.signals[t.c].soft |= hrtimer.signal
        return hrtimer.expiry

    def hrtimer_drop(self, hrtimer: HrTimer) -> None:
        """Take an hrtimer out of its queue; its callback is not running."""
        if hrtimer.armed:
            hrtimer.armed = False
            self.machine.signals[hrtimer.cpu].soft &= ~hrtimer.signal

    async def hrtimer_cancel(self, t: Context, op: Op, hrtimer: HrTimer) -> None:
        """hrtimer_cancel waits for a running callback; preemption is off."""
        if t.p.irqs_off:
            await t.task.step(op, hrtimer.idle, hrtimer.bit)
        else:
            await t.task.step(
                op, lambda: hrtimer.idle() and t.irqs_clear(), hrtimer.bit | t.irqs_reads
            )
