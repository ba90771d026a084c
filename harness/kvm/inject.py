"""Injection and kicks: kvm_vgic_inject_irq, vgic_queue_irq_unlock, kvm_vcpu_kick.

Linux arch/arm64/kvm/vgic/vgic.c and virt/kvm/kvm_main.c. They run in a VCPU's own thread, in a hard
IRQ handler on any CPU, or in a worker; the context says which.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.actors.context import Context
from model import facts
from model.facts import Fact
from model.host.lock import Lockable
from model.host.thread import EXITING, IN_GUEST, INTERRUPTIBLE, REQ_IRQ_PENDING, RUNNING
from model.vgic.decide import target_oracle, validate_injection
from model.vgic.irq import VgicIrq

if TYPE_CHECKING:
    from harness.world import VgicWorld
    from model.machine import Machine

__all__ = ["SGI_RESCHEDULE", "Injection"]

SGI_RESCHEDULE = 0
"""The SGI that Linux/arm64 uses as IPI_RESCHEDULE, which is also how a VCPU is kicked."""


class Injection:
    """The part of KVM that other parts call to make an interrupt pending."""

    world: "VgicWorld"
    machine: "Machine"
    emit: Callable[[Fact], None]

    # -- locks ---------------------------------------------------------------------------------

    def took(self, ctx: Context, lock: Lockable) -> None:
        """Be the holder of a lock whose step was just chosen."""
        lock.acquire(ctx.actor, irqs_off=ctx.hard or ctx.p.irqs_off, in_irq=ctx.in_irq)

    def gave(self, ctx: Context, lock: Lockable) -> None:
        """Give a lock back."""
        lock.release(ctx.actor)

    async def irq_save(self, ctx: Context) -> bool:
        """local_irq_save: return whether interrupts were on (and there is something to restore)."""
        if ctx.hard or ctx.p.irqs_off:
            return False
        await ctx.step(ctx.o.irq_save)
        ctx.p.irqs_off = True
        return True

    async def irq_restore(self, ctx: Context, saved: bool) -> None:
        """local_irq_restore."""
        if saved:
            await ctx.step(ctx.o.irq_restore)
            ctx.p.irqs_off = False

    # -- injection -----------------------------------------------------------------------------

    async def inject(self, ctx: Context, v: int, level: bool) -> None:
        """Give the timer of VCPU ``v`` a level."""
        await self.inject_irq(ctx, self.machine.irqs[v], v, level)

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        """kvm_vgic_inject_irq: a level, or an edge (``level`` true), on ``irq`` of VCPU ``v``."""
        o = ctx.ops_on(irq, v)
        saved = await self.irq_save(ctx)
        await ctx.lock(irq, o.inject)
        self.took(ctx, irq)
        accepted = validate_injection(irq, level)
        self.emit(facts.Injected(ctx.c, v, irq.intid, level, accepted))
        if accepted:
            if irq.level:
                irq.line_level = level
            else:
                irq.pending_latch = True
            await self.queue_irq_unlock(ctx, irq, saved)
        else:
            await ctx.step(o.inject_unlock)
            self.gave_irqrestore(ctx, irq, saved)

    def gave_irqrestore(self, ctx: Context, lock: Lockable, saved: bool) -> None:
        """spin_unlock_irqrestore: give a lock back and let interrupts in, if they were on."""
        self.gave(ctx, lock)
        if saved:
            ctx.p.irqs_off = False

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        """vgic_queue_irq_unlock: put the interrupt on the ap_list where it belongs; drop irq_lock.

        The two locks nest the other way round, so irq_lock is dropped, with interrupts back as they
        were before it was taken (``saved``: on), and everything is looked at again: in that window
        the interrupt may have moved, been queued, or gone away.
        """
        while True:
            target = target_oracle(irq)
            if irq.vcpu >= 0 or target < 0:
                owner = irq.vcpu if irq.vcpu >= 0 else irq.target
                await ctx.step(ctx.ops_on(irq, owner).inject_unlock)
                self.gave_irqrestore(ctx, irq, saved)
                if target >= 0:
                    await self.request_and_kick(ctx, target)
                return
            o = ctx.ops_on(irq, target)
            vgic = self.machine.vgics[target]
            await ctx.step(o.inject_unlock)
            self.gave_irqrestore(ctx, irq, saved)
            if saved:
                await self.irq_save(ctx)
            await ctx.lock(vgic, o.queue_ap_list)
            self.took(ctx, vgic)
            await ctx.lock(irq, o.queue_irq)
            self.took(ctx, irq)
            if irq.vcpu < 0 and target_oracle(irq) == target:
                break
            await ctx.step(o.queue_unlock)
            self.gave(ctx, irq)
            self.gave_irqrestore(ctx, vgic, saved)
            if saved:
                await self.irq_save(ctx)
            await ctx.lock(irq, o.inject)
            self.took(ctx, irq)
        vgic.ap_list = (*vgic.ap_list, irq.intid)
        irq.vcpu = target
        self.emit(facts.Queued(target, irq.intid))
        dist = self.machine.dist
        dist.active_spis += irq.is_spi()
        first = irq.is_spi() and dist.active_spis == 1
        await ctx.step(o.queue_unlock)
        self.gave(ctx, irq)
        self.gave_irqrestore(ctx, vgic, saved)
        if first and self.broadcasts():
            for v in range(len(self.machine.threads)):
                await self.request_and_kick(ctx, v)
        else:
            await self.request_and_kick(ctx, target)

    def broadcasts(self) -> bool:
        """Tell whether the first SPI in flight is told to all VCPUs, so that DIR traps on each.

        vgic_model_needs_bcst_kick, 2025. Upstream counts down when a level SPI of software is
        deactivated; here, for the mapped SPIs that no kernel had, when it leaves its ap_list.
        """
        return self.machine.gic.version == 3

    # -- requests and kicks --------------------------------------------------------------------

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        """kvm_make_request(KVM_REQ_IRQ_PENDING) and kvm_vcpu_kick."""
        await ctx.step(ctx.ops(v).make_request)
        self.machine.threads[v].requests |= REQ_IRQ_PENDING
        self.emit(facts.Requested(v))
        await self.kick(ctx, v)

    async def wake_up(self, ctx: Context, v: int) -> bool:
        """kvm_vcpu_wake_up: return whether the thread slept or was about to."""
        await ctx.step(ctx.ops(v).wake_up)
        thread = self.machine.threads[v]
        if not thread.waiting or thread.state != INTERRUPTIBLE:
            return False
        thread.state = RUNNING
        self.emit(facts.Woken(v))
        return True

    async def kick(self, ctx: Context, v: int) -> None:
        """kvm_vcpu_kick: wake the thread, or force it out of its guest by an IPI.

        When the kicker interrupted that very thread, no IPI is sent: the thread is out of its
        guest, and looks at its requests before it enters again.
        """
        if await self.wake_up(ctx, v):
            return
        o = ctx.ops(v)
        thread = self.machine.threads[v]
        await ctx.step(o.kick_mode)
        here = thread.cpu == ctx.c and (ctx.in_irq or not ctx.hard)
        ipi = thread.mode == IN_GUEST and not here
        if thread.mode == IN_GUEST:
            thread.mode = EXITING
        self.emit(facts.Kicked(ctx.c, v, ipi))
        if ipi:
            await ctx.step(o.kick_ipi)
            self.send_ipi(ctx, thread.cpu, SGI_RESCHEDULE)

    def send_ipi(self, ctx: Context, cpu: int, sgi: int) -> None:
        """Interrupt another CPU of the host."""
        if self.machine.gic.version == 2:
            # GICD_SGIR is an access to the distributor, ICC_SGI1R_EL1 is not.
            self.machine.messages.before_access(ctx.c)
        self.machine.gic.send_sgi(ctx.c, cpu, sgi)
