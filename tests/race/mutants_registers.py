"""Variants that misuse the List Registers, the timer's copy, or their locks."""

import msgspec

from harness.kvm.lazy import Lazy
from harness.kvm.ops import KVM_OPS
from harness.kvm.seed import Seed
from harness.tasks.context import Context
from model import facts
from model.gic.lr import ACTIVE, EMPTY, PENDING, Lr
from model.vgic.decide import target_oracle
from model.vgic.irq import VgicIrq
from tests.race.broken_hardware import (
    AckKeepsPending,
    CompletedComesBack,
    MaskDropsPending,
    on_machine,
)
from tests.race.mutant import Mutant


class FlushWithIrqsOn(Lazy):
    """Flush before interrupts are masked; a late request is still noticed. Clean."""

    OPS = KVM_OPS | {"check_requests": ("vgic@v", "thread@v")}
    writes_early = False

    async def run_once(self, t: Context) -> str:
        await self.check_requests(t)
        if self.machine.vgics[t.v].ap_list:
            saved = await self.irq_save(t)
            await self.flush_lrs(t)
            await self.irq_restore(t, saved)
            if self.writes_early:
                await self.write_lrs(t)
        await t.step(t.o.irq_disable)
        t.p.irqs_off = True
        if self.machine.vgics[t.v].used and not self.writes_early:
            await self.write_lrs(t)
        return await self.enter_and_leave(t)


class WritesBeforeMasking(FlushWithIrqsOn):
    """Writes the List Registers, and only then masks interrupts."""

    writes_early = True


class SavesAfterUnmasking(Seed):
    """Takes the List Registers back when interrupts are on again."""

    async def save_lrs(self, t: Context) -> None:
        """Leave them for later."""

    async def fold_lrs(self, t: Context) -> None:
        await t.step(t.o.save_lrs)
        gic, vgic = self.machine.gic, self.machine.vgics[t.v]
        # After an entry that was given up there is nothing in the hardware.
        if gic.lr(t.c, 0) != EMPTY:
            vgic.lrs = tuple(gic.lr(t.c, i) for i in range(len(vgic.lrs)))
            for i in range(vgic.used):
                gic.write_lr(t.c, i, EMPTY)
        await super().fold_lrs(t)


class WritesRunningGuest(Lazy):
    """A handler writes a List Register of the CPU where the guest runs (Xen 071c61e736)."""

    OPS = KVM_OPS | {"make_request": ("vgic@v pcpu*", "thread@v vif*")}

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        await ctx.step(ctx.ops(v).make_request)
        c = self.machine.threads[v].cpu
        if ctx.in_irq and c >= 0 and self.machine.pcpus[c].guest:
            self.machine.gic.write_lr(c, 3, Lr(vintid=80, state=PENDING, priority=0xA0))


class SavesWithoutZeroing(Lazy):
    """Reads the used List Registers back and leaves them as they are."""

    async def save_lrs(self, t: Context) -> None:
        await t.step(t.o.save_lrs)
        vgic = self.machine.vgics[t.v]
        vgic.lrs = tuple(
            self.machine.gic.lr(t.c, i) if i < vgic.used else lr for i, lr in enumerate(vgic.lrs)
        )


class CountsInactive(Lazy):
    """Gives what the guest handles a List Register, and does not say that it is active."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, state=lr.state & PENDING)


class FoldLosesPending(Lazy):
    """The fold takes no notice of what is pending still."""

    def trusted(self, t: Context, lr: Lr) -> Lr:
        return msgspec.structs.replace(lr, state=lr.state & ACTIVE)


class FoldLosesActive(Lazy):
    """The fold takes what the guest handles as completed."""

    def trusted(self, t: Context, lr: Lr) -> Lr:
        return msgspec.structs.replace(lr, state=lr.state & PENDING)


class DropsActive(Lazy):
    """The flush has no List Register for what is active and not pending."""

    async def write_lrs(self, t: Context) -> None:
        vgic = self.machine.vgics[t.v]
        vgic.lrs = tuple(EMPTY if lr.state == ACTIVE else lr for lr in vgic.lrs)
        await super().write_lrs(t)


class UnlinkedEdge(Lazy):
    """Injects a forwarded edge as a pure virtual one."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return lr if irq.level else msgspec.structs.replace(lr, hw=False, pintid=0)


class HandlerReadsMemory(Lazy):
    """The host's handler asks the copy in memory whether the timer fires."""

    async def isr_level(self, h: Context) -> bool:
        await h.step(h.ops(h.v).isr_should_fire)
        level = self.machine.vtimers[h.v].should_fire(self.machine.clock.now)
        self.emit(facts.TimerRead(h.v, "memory", level))
        return level


class SavesTimerWrong(Seed):
    """The copy in memory is not what the guest programmed."""

    def take_off_hardware(self, t: Context) -> None:
        super().take_off_hardware(t)
        self.machine.vtimers[t.v].cval += 1_000


class RetriesForEver(Lazy):
    """Once it has the locks in order, it insists that the interrupt is not where it belongs."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        target = target_oracle(irq)
        if irq.vcpu >= 0 or target < 0:
            await super().queue_irq_unlock(ctx, irq, saved)
            return
        o, vgic = ctx.ops_on(irq, target), self.machine.vgics[target]
        await ctx.step(o.inject_unlock)
        self.gave(ctx, irq)
        await ctx.lock(vgic, o.queue_ap_list)
        self.took(ctx, vgic)
        await ctx.lock(irq, o.queue_irq)
        self.took(ctx, irq)
        await ctx.step(o.queue_unlock)
        self.gave(ctx, irq)
        self.gave(ctx, vgic)
        await ctx.lock(irq, o.inject)
        self.took(ctx, irq)
        await self.queue_irq_unlock(ctx, irq, saved)


REGISTERS = (
    Mutant("R1", WritesBeforeMasking, Lazy, "migrate"),
    Mutant("R1", SavesAfterUnmasking, Seed, "timer-busy"),
    Mutant("R1", WritesRunningGuest, Lazy, "spi-level"),
    Mutant("R2", SavesWithoutZeroing, Lazy, "timer-wfi"),
    Mutant("R2", CountsInactive, Lazy, "migrate"),
    Mutant("R7b", on_machine(Lazy, CompletedComesBack), Lazy, "timer-wfi"),
    Mutant("R8", FoldLosesPending, Lazy, "timer-wfi"),
    Mutant("R8", FoldLosesPending, Lazy, "spi-edge"),
    Mutant("R8", on_machine(Lazy, MaskDropsPending), Lazy, "timer-wfi"),
    Mutant("R9", on_machine(Lazy, AckKeepsPending), Lazy, "timer-wfi"),
    Mutant("R22", UnlinkedEdge, Lazy, "spi-edge"),
    Mutant("R28b", HandlerReadsMemory, Lazy, "timer-busy"),
    Mutant("R28b", SavesTimerWrong, Seed, "timer-busy"),
    Mutant("I8", FoldLosesActive, Lazy, "migrate"),
    Mutant("I8", DropsActive, Lazy, "migrate"),
    Mutant("L3", RetriesForEver, Lazy, "timer-wfi"),
)
