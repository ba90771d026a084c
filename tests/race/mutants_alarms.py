"""What raises the alarms that no other mutant raises: one idea each, none subtle."""

import msgspec

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.resources import PCPU, THREAD, VGIC, VIF
from model.facts import AckedByGuest, LrMoved
from model.gic.gic import Gic
from model.gic.lr import ACTIVE, EMPTY, PENDING, PENDING_ACTIVE, Lr
from model.gic.registers import (
    FIRST_SPI,
    HCR_EOICOUNT_ONE,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_UIE,
    SPURIOUS,
)
from model.host.thread import IN_GUEST, RUNNING, VcpuThread
from model.identity import VTIMER
from model.monitor import SavedIrq
from model.part import bits_of
from model.vgic.irq import VgicIrq
from tests.race.broken_hardware import on_machine

WRITE_LATE = Step((VGIC.own,), (VIF.here,), "write_late")
WRITE_WITHIN = Step((VGIC.own, PCPU.all), (THREAD.own, VIF.all), "write_within")
SPI = Lr(vintid=80, state=PENDING, priority=0xA0)


class WritesAfterPut(V7_2):
    """Writes a List Register for the VCPU that has just been put."""

    async def end_put(self, t: Context) -> None:
        await super().end_put(t)
        await t.step(WRITE_LATE)
        self.machine.gic.write_lr(t.c, 3, SPI)


class WritesInHandler(V7_2):
    """A handler writes a List Register of its own CPU, where a VCPU is loaded (Xen 071c61e736)."""

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        await ctx.step(WRITE_WITHIN, ctx.at(v))
        if ctx.in_irq:
            self.machine.gic.write_lr(ctx.c, 3, SPI)
        await super().request_and_kick(ctx, v)


class GivenTwice(Gic):
    """A guest that acknowledges while it handles an interrupt is given that one again."""

    def viar(self, c: int, group: int = 1) -> int:
        handled = next((lr.vintid for lr in self.vifs[c].lrs if lr.state == ACTIVE), -1)
        if handled < 0:
            return super().viar(c, group)
        assert self.emit is not None
        self.emit(AckedByGuest(c, handled))
        return handled


class EoiDropsPending(Gic):
    """The guest's EOIR takes the pending state of what it has not acknowledged yet."""

    def veoir(self, c: int, vintid: int, group: int = 1) -> int:
        pintid = super().veoir(c, vintid, group)
        vif = self.vifs[c]
        for i, lr in enumerate(vif.lrs):
            if lr.state == PENDING:
                vif.lrs = (*vif.lrs[:i], EMPTY, *vif.lrs[i + 1 :])
                vif.refresh()
                assert self.emit is not None
                self.emit(LrMoved(c, i, "eoir", lr, EMPTY))
        return pintid


class AckKeepsBoth(Gic):
    """The guest's acknowledge adds the active state and leaves the pending one."""

    def viar(self, c: int, group: int = 1) -> int:
        vif = self.vifs[c]
        vintid = self.vhppir(c, group)
        i = next((i for i, lr in enumerate(vif.lrs) if lr.vintid == vintid), -1)
        if i < 0:
            return super().viar(c, group)
        before = vif.lrs[i]
        after = msgspec.structs.replace(before, state=PENDING_ACTIVE)
        vif.lrs = (*vif.lrs[:i], after, *vif.lrs[i + 1 :])
        vif.refresh()
        assert self.emit is not None
        self.emit(AckedByGuest(c, vintid))
        self.emit(LrMoved(c, i, "iar", before, after))
        return vintid


class NeverInactive(Gic):
    """A guest's deactivation arrives, and the interrupt stays active."""

    def deactivate(self, c: int, intid: int, cause: str = "deactivate") -> None:
        """Do nothing."""


class SpiTwice(Gic):
    """The first acknowledge leaves an edge SPI pending."""

    def iar(self, c: int, group: int = 1) -> int:
        intid = super().iar(c, group)
        if FIRST_SPI <= intid < SPURIOUS and self.spis[intid].edge:
            self.edge(c, intid)
        return intid


class LosesMessages(Gic):
    """An LPI's message leaves no trace."""

    def msi(self, c: int, intid: int) -> None:
        """Do nothing."""


class HwSgi(V7_2):
    """Links an SGI to the timer's physical interrupt."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, hw=True, pintid=27, source=0) if irq.is_sgi() else lr


class NeverPutOn(V7_2):
    """The load leaves the CPU's timer as it is."""

    def put_on_hardware(self, t: Context) -> None:
        """Do nothing."""


class FiresAtOnce(V4_14):
    """The vgic is told that the timer fires as soon as it can."""

    async def flush_timer(self, t: Context) -> None:
        await super().flush_timer(t)
        if self.machine.timers[t.v][VTIMER].can_fire():
            await self.inject_timer(t, t.v, VTIMER, True)


class TakenOffTwice(V7_2):
    """What is taken off an ap_list is taken off once more."""

    def unqueue(self, t: Context, irq: VgicIrq) -> None:
        super().unqueue(t, irq)
        super().unqueue(t, irq)


class NobodyPauses(V7_2):
    """A request to stay out of the guest is granted by words alone."""

    async def paused(self, t: Context) -> None:
        """Go on."""


class KeepsEoiCount(V7_2):
    """HCR is written with what EOIcount was, once interrupts overflow."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        hcr = super().configure_hcr(pending, active, size)
        overflows = pending + active > size
        return hcr & ~(HCR_NPIE | HCR_UIE) | HCR_LRENPIE | HCR_EOICOUNT_ONE if overflows else hcr


class NeverMoves(V7_2):
    """What is routed to another VCPU stays where it is queued."""

    async def prune(self, t: Context) -> None:
        await self.prune_until_moved(t)

    async def migrate(self, t: Context, irq: VgicIrq, target: int) -> bool:
        return False


class DirsAreItsOwn(V7_2):
    """Whoever deactivates an interrupt is taken for the VCPU that has it on its ap_list."""

    async def handle_dir(self, t: Context) -> None:
        trap = await self.decode(t)
        irq, vgic = self.machine.irq(t.v, trap.a), self.machine.vgics[t.v]
        vgic.trapped(trap.a)
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.look_spilled, t.at(t.v, irq))
        t.acquired(irq)
        if irq.vcpu >= 0 and not irq.on_lr:
            vgic.deactivate_outside(t.c, t.v, irq, self.without_active(irq), "dir")
            await self.deactivate_looked_at(t, irq)
        else:
            await self.irq_unlock(t, irq)
        await self.irq_restore(t, True)


class AllHaveTheSpi(V7_2):
    """Every VCPU is entered with the same SPI in its fourth List Register."""

    async def write_lrs(self, t: Context) -> None:
        await super().write_lrs(t)
        self.machine.gic.write_lr(t.c, 3, SPI)


class NeverInUser(V7_2):
    """On the VM monitor's signal the thread waits for what never comes."""

    async def stop_in_user(self, t: Context) -> None:
        await t.task.step(t.here[Steps.check_pause], lambda: False, 0)


class SavesOnceLoaded(V7_2):
    """The VM monitor lets the VCPUs go on, and saves when all have a CPU again."""

    async def save_vm(self, u: Context) -> None:
        threads = self.machine.threads
        for v, thread in enumerate(threads):
            await u.step(Steps.monitor_resumes, u.at(v))
            thread.stop = False
            thread.state = RUNNING

        def all_ready() -> bool:
            return all(thread.done or self.is_ready(thread) for thread in threads)

        await u.task.step(u.here[Steps.monitor_waits], all_ready, bits_of(threads))
        await super().save_vm(u)

    def is_ready(self, thread: VcpuThread) -> bool:
        return thread.loaded


class SavesOnceEntered(SavesOnceLoaded):
    """The same, once all have entered their guests."""

    def is_ready(self, thread: VcpuThread) -> bool:
        return thread.mode == IN_GUEST


class ForgetsPending(V7_2):
    """What is pending is saved as not pending, and a load does not look at the timer."""

    def saved_irq(self, irq: VgicIrq) -> SavedIrq:
        saved = super().saved_irq(irq)
        return msgspec.structs.replace(saved, line_level=False, pending_latch=False)

    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        if ctx.in_irq:
            await super().inject_timer(ctx, v, timer, level)


ALARMING: tuple[type[Kvm], ...] = (
    WritesAfterPut,
    WritesInHandler,
    HwSgi,
    NeverPutOn,
    FiresAtOnce,
    TakenOffTwice,
    NobodyPauses,
    KeepsEoiCount,
    NeverMoves,
    DirsAreItsOwn,
    AllHaveTheSpi,
    NeverInUser,
    SavesOnceLoaded,
    SavesOnceEntered,
    ForgetsPending,
    on_machine(V7_2, GivenTwice),
    on_machine(V7_2, EoiDropsPending),
    on_machine(V7_2, AckKeepsBoth),
    on_machine(V7_2, NeverInactive),
    on_machine(V7_2, SpiTwice),
    on_machine(V7_2, LosesMessages),
)
