"""Variants that misuse the List Registers, the timer's copy, or their locks."""

import msgspec

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.resources import PCPU, THREAD, VGIC, VIF
from model.gic.lr import ACTIVE, EMPTY, PENDING, Lr
from model.identity import VTIMER
from model.vgic.decide import target_oracle
from model.vgic.irq import VgicIrq
from tests.race.broken_hardware import (
    AckKeepsPending,
    CompletedComesBack,
    MaskDropsPending,
    on_machine,
)
from tests.race.mutant import Mutant


class FlushWithIrqsOn(V7_2):
    """Flush before interrupts are masked; a late request is still noticed. Clean."""

    writes_early = False

    async def run_once(self, t: Context) -> str:
        reason = await self.check_requests(t)
        await self.point(t, Steps.preempt_disable)
        saved = await self.irq_save(t)
        await self.flush_lrs(t)
        await self.irq_restore(t, saved)
        if self.writes_early:
            await self.write_lrs(t)
        await t.step(Steps.irq_disable)
        t.p.irqs_off = True
        return await self.enter_and_leave(t) or reason

    def reached_from_kernel(self) -> bool:
        return self.writes_early or super().reached_from_kernel()


class WritesBeforeMasking(FlushWithIrqsOn):
    """Writes the List Registers, and only then masks interrupts."""

    writes_early = True


class SavesAfterUnmasking(V4_14):
    """Takes the List Registers back when interrupts are on again."""

    async def save_lrs(self, t: Context) -> None:
        """Leave them for later."""

    async def fold_lrs(self, t: Context) -> None:
        await t.step(Steps.save_lrs)
        gic, vgic = self.machine.gic, self.machine.vgics[t.v]
        # After an entry that was given up there is nothing in the hardware.
        if gic.lr(t.c, 0) != EMPTY:
            vgic.lrs = tuple(gic.lr(t.c, i) for i in range(len(vgic.lrs)))
            for i in range(vgic.used):
                gic.write_lr(t.c, i, EMPTY)
        await super().fold_lrs(t)


WRITE_ELSEWHERE = Step((VGIC.own, PCPU.all), (THREAD.own, VIF.all), "write_elsewhere")


class WritesRunningGuest(V7_2):
    """A handler writes a List Register of the CPU where the guest runs (Xen 071c61e736)."""

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        await ctx.step(WRITE_ELSEWHERE, ctx.at(v))
        c = self.machine.threads[v].cpu
        if ctx.in_irq and c >= 0 and self.machine.pcpus[c].guest:
            self.machine.gic.write_lr(c, 3, Lr(vintid=80, state=PENDING, priority=0xA0))


class SavesWithoutZeroing(V7_2):
    """Reads the used List Registers back and leaves them as they are."""

    async def save_lrs(self, t: Context) -> None:
        await t.step(Steps.save_lrs)
        vgic = self.machine.vgics[t.v]
        vgic.lrs = tuple(
            self.machine.gic.lr(t.c, i) if i < vgic.used else lr for i, lr in enumerate(vgic.lrs)
        )


class CountsInactive(V7_2):
    """Gives what the guest handles a List Register, and does not say that it is active."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, state=lr.state & PENDING)


class FoldLosesPending(V7_2):
    """The fold takes no notice of what is pending still."""

    def trusted(self, t: Context, lr: Lr) -> Lr:
        return msgspec.structs.replace(lr, state=lr.state & ACTIVE)


class FoldLosesActive(V7_2):
    """The fold takes what the guest handles as completed."""

    def trusted(self, t: Context, lr: Lr) -> Lr:
        return msgspec.structs.replace(lr, state=lr.state & PENDING)


class DropsActive(V7_2):
    """The flush has no List Register for what is active and not pending."""

    async def write_lrs(self, t: Context) -> None:
        await super().write_lrs(t)
        vgic = self.machine.vgics[t.v]
        for i in range(vgic.used):
            if vgic.lrs[i].state == ACTIVE:
                self.machine.gic.write_lr(t.c, i, EMPTY)


class UnlinkedEdge(V7_2):
    """Injects a forwarded edge as a pure virtual one."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return lr if irq.level else msgspec.structs.replace(lr, hw=False, pintid=0)


class HandlerReadsMemory(V7_2):
    """The host's handler asks the copy in memory whether the timer fires."""

    async def isr_level(self, h: Context, v: int) -> bool:
        await h.step(Steps.isr_should_fire, h.at(v))
        return self.machine.timers[v][VTIMER].sample(self.machine.clock.now)


class SavesTimerWrong(V4_14):
    """The copy in memory is not what the guest programmed."""

    def take_off_hardware(self, t: Context) -> None:
        super().take_off_hardware(t)
        self.machine.timers[t.v][VTIMER].cval += 1_000


class RetriesForEver(V7_2):
    """Once it has the locks in order, it insists that the interrupt is not where it belongs."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        target = target_oracle(irq)
        if irq.vcpu >= 0 or target < 0:
            await super().queue_irq_unlock(ctx, irq, saved)
            return
        at, vgic = ctx.at(target, irq), self.machine.vgics[target]
        await ctx.step(Steps.inject_unlock, at)
        ctx.released(irq)
        await ctx.lock(vgic, Steps.queue_ap_list, at)
        ctx.acquired(vgic)
        await ctx.lock(irq, Steps.queue_irq, at)
        ctx.acquired(irq)
        await ctx.step(Steps.queue_unlock, at)
        ctx.released(irq)
        ctx.released(vgic)
        await ctx.lock(irq, Steps.inject, at)
        ctx.acquired(irq)
        await self.queue_irq_unlock(ctx, irq, saved)


REGISTERS = (
    Mutant("R1", WritesBeforeMasking, V7_2, "overflow-dir"),
    Mutant("R1", SavesAfterUnmasking, V4_14, "timer-busy"),
    Mutant("R1", WritesRunningGuest, V7_2, "spi-level"),
    Mutant("R2", SavesWithoutZeroing, V7_2, "timer-wfi"),
    Mutant("R2", CountsInactive, V7_2, "migrate"),
    Mutant("R7b", on_machine(V7_2, CompletedComesBack), V7_2, "timer-wfi"),
    Mutant("R8", FoldLosesPending, V7_2, "overflow-dir"),
    Mutant("R8", FoldLosesPending, V7_2, "spi-edge"),
    Mutant("R8", on_machine(V7_2, MaskDropsPending), V7_2, "timer-wfi"),
    Mutant("R9", on_machine(V7_2, AckKeepsPending), V7_2, "timer-wfi"),
    Mutant("R22", UnlinkedEdge, V7_2, "spi-edge"),
    Mutant("R28b", HandlerReadsMemory, V7_2, "timer-busy"),
    Mutant("R28b", SavesTimerWrong, V4_14, "timer-busy"),
    Mutant("I8", FoldLosesActive, V7_2, "migrate"),
    Mutant("I8", DropsActive, V7_2, "migrate"),
    Mutant("L3", RetriesForEver, V7_2, "timer-wfi"),
)
