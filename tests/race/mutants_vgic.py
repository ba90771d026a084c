"""Variants that lose track of their ap_lists, of edges, or of the whole VM."""

from pathlib import Path

import msgspec

from harness.context import Context
from harness.kvm.kvm_main import SGI_RESCHEDULE
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.museum.b23_soft_timer_injects import Injects
from model.device import ForwardedDevice
from model.gic.lr import PENDING, Lr
from model.gic.registers import HCR_NPIE
from model.host.thread import IN_GUEST, REQ_SLEEP, RUNNING, HrTimer
from model.identity import BG_TIMER
from model.monitor import SavedIrq
from model.vgic.decide import target_oracle
from model.vgic.irq import VgicIrq
from tests.race.mutant import Mutant
from tests.race.mutants_registers import FoldLosesPending, SavesWithoutZeroing

RESETS = str(Path(__file__).parent / "scenarios" / "reset-edges.toml")

# -- ap_lists ------------------------------------------------------------------------------------


class MovesWithoutRemoving(V7_2):
    """What moves to another VCPU's ap_list stays on its old one as well."""

    def unqueue(self, t: Context, irq: VgicIrq) -> None:
        if target_oracle(irq) < 0:
            super().unqueue(t, irq)


class PrunesActive(V7_2):
    """A second look takes off the ap_list what is active only."""

    async def prune(self, t: Context) -> None:
        await super().prune(t)
        vgic = self.machine.vgics[t.v]
        await t.lock(vgic, Steps.prune_ap_list)
        t.acquired(vgic)
        for intid in vgic.ap_list:
            irq = self.machine.irq(t.v, intid)
            at = t.at(t.v, irq)
            await t.lock(irq, Steps.prune_irq, at)
            t.acquired(irq)
            if irq.active and not irq.is_pending():
                self.unqueue(t, irq)
            await t.step(Steps.irq_unlock, at)
            t.released(irq)
        await t.step(Steps.ap_list_unlock)
        t.released(vgic)


class NeverQueuesSgis(V7_2):
    """An SGI becomes pending, its VCPU is kicked, and no ap_list knows of it."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        if not irq.is_sgi():
            await super().queue_irq_unlock(ctx, irq, saved)
            return
        await ctx.step(Steps.inject_unlock, ctx.at(irq.target, irq))
        ctx.released(irq, irqs_on=saved)
        await self.request_and_kick(ctx, irq.target)


# -- edges ---------------------------------------------------------------------------------------


class DropsWhileQueued(V7_2):
    """An edge of an interrupt that is on an ap_list already is dropped (Xen 394b7e587b)."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        if irq.vcpu >= 0 and not irq.level:
            irq.pending_latch = False
        await super().queue_irq_unlock(ctx, irq, saved)


class LatchKept(V7_2):
    """The flush leaves the latch of an edge set, which is in a List Register now."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        irq.pending_latch |= not irq.level and bool(lr.state & PENDING)
        return lr


class SeedLatchKept(V4_14):
    """The same in era v4.14."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        irq.pending_latch |= not irq.level and bool(lr.state & PENDING)
        return lr


class DeviceIgnored(V7_2):
    """The host's handler of a passthrough device injects nothing."""

    async def device_isr(self, h: Context, intid: int) -> None:
        await h.step(Steps.isr_device)


class SgiIgnored(V7_2):
    """KVM decodes an SGI and sends none."""

    async def handle_sgi(self, t: Context) -> None:
        await self.decode(t)


# -- locks and storms ----------------------------------------------------------------------------


class YieldsInFold(V4_14):
    """The fold can be preempted while it holds irq_lock (Linux 2e2f6c3c0b08)."""

    async def fold_locked(self, t: Context, irq: VgicIrq, lr: Lr) -> None:
        await super().fold_locked(t, irq, lr)
        await self.point(t, Steps.preempt_disable)


class FoldsUnlocked(V7_2):
    """The fold does without irq_lock."""

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        irq = self.machine.irq(t.v, lr.vintid)
        await t.step(Steps.fold_lr, t.at(t.v, irq))
        await self.fold_locked(t, irq, lr)


class NpieForActive(V7_2):
    """Asks for an exit when nothing is pending, whatever is outside (Bao issue 398)."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        hcr = super().configure_hcr(pending, active, size)
        return hcr | HCR_NPIE if pending + active > size else hcr


class NpieForNothing(V7_2):
    """Asks for no exit when none of those inside is pending any more, but more are outside."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        return super().configure_hcr(pending, active, size) & ~HCR_NPIE


# -- halting and stopping ------------------------------------------------------------------------


class HaltWaitsForNobody(V7_2):
    """Whoever halts the guests kicks them, and does not wait until they have left."""

    async def halt_guests(self, t: Context) -> None:
        dist = self.machine.dist
        dist.halting(t.v, halted=False)
        for v, thread in enumerate(self.machine.threads):
            await t.step(Steps.make_request, t.at(v))
            thread.pause = True
            thread.request(REQ_SLEEP)
            if v != t.v:
                await self.kick(t, v)
        dist.halting(t.v, halted=True)


class NeverResumes(V7_2):
    """Whoever halted the guests forgets to let them go on."""

    async def resume_guests(self, t: Context) -> None:
        """Let nobody go on."""


class IgnoresSignals(V7_2):
    """The VM monitor's signal is no reason to leave the run loop."""

    async def stop_in_user(self, t: Context) -> None:
        """Stay."""

    async def ready_to_enter(self, t: Context) -> bool:
        ready = await super().ready_to_enter(t)
        thread = self.machine.threads[t.v]
        if not ready and not thread.requests and not t.p.need_resched:
            thread.mode = IN_GUEST
            return True
        return ready


# -- saving --------------------------------------------------------------------------------------


class SavesRunningVm(V7_2):
    """The VM monitor lets the VCPUs go on before it saves them."""

    async def save_vm(self, u: Context) -> None:
        for v, thread in enumerate(self.machine.threads):
            await u.step(Steps.monitor_resumes, u.at(v))
            thread.stop = False
            thread.state = RUNNING
        await super().save_vm(u)


class SoftTimerOutlives(Injects, V4_14):
    """The soft timer's work, which injects, is not waited for (museum 23 as it was)."""

    async def cancel_soft_timer(self, t: Context, hrtimer: HrTimer) -> None:
        await self.hrtimer_cancel(t, Steps.soft_cancel, hrtimer)
        self.soft_timer_drop(t.v, BG_TIMER)


class ForgetsCval(V7_2):
    """What is restored of a timer is its control register."""

    def restore_timers(self, v: int) -> None:
        super().restore_timers(v)
        for timer in self.timers(v):
            timer.cval = 0


class SavesForEver(V7_2):
    """The VM monitor goes on saving the same VCPU."""

    def save_irqs(self, v: int) -> None:
        super().save_irqs(v)
        super().save_irqs(v)


class EdgeOutlivesReset(V7_2):
    """What was pending at the distributor when its device was reset is so afterwards."""

    async def reset_device(self, u: Context, forward: ForwardedDevice) -> None:
        gic = self.machine.gic
        pending = gic.is_pending(forward.target, forward.intid)
        await super().reset_device(u, forward)
        if pending:
            gic.set_pending(forward.target, forward.intid, True)


class ForgetsCounter(V7_2):
    """KVM_REG_ARM_TIMER_CNT is not written when a VM is restored."""

    def restore_counter(self, v: int) -> None:
        pass


class ForgetsActive(V7_2):
    """What the guest handles is saved as inactive (Linux 47a98b15ba7c)."""

    def saved_irq(self, irq: VgicIrq) -> SavedIrq:
        return msgspec.structs.replace(super().saved_irq(irq), active=False)


# -- kicks ---------------------------------------------------------------------------------------


class SaysItKicks(V7_2):
    """Says that it sends the IPI of a kick, and does not."""

    def send_ipi(self, ctx: Context, cpu: int, sgi: int) -> None:
        if sgi != SGI_RESCHEDULE:
            super().send_ipi(ctx, cpu, sgi)


class OldSaysItKicks(V4_14):
    """The same in era v4.14."""

    def send_ipi(self, ctx: Context, cpu: int, sgi: int) -> None:
        if sgi != SGI_RESCHEDULE:
            super().send_ipi(ctx, cpu, sgi)


VGIC = (
    Mutant("I12", SaysItKicks, V7_2, "spi-edge"),
    Mutant("I12", OldSaysItKicks, V4_14, "lpi"),
    Mutant("I12", NpieForNothing, V7_2, "overflow"),
    Mutant("I4", MovesWithoutRemoving, V7_2, "smp-mix"),
    Mutant("I4", SavesWithoutZeroing, V7_2, "migrate"),
    Mutant("I5", PrunesActive, V7_2, "migrate"),
    Mutant("I5", NeverQueuesSgis, V7_2, "reset"),
    Mutant("I6", FoldLosesPending, V7_2, "spi-edge"),
    Mutant("I6", DropsWhileQueued, V7_2, "lpi"),
    Mutant("I6", LatchKept, V7_2, "spi-edge"),
    Mutant("I6", LatchKept, V7_2, "lpi"),
    Mutant("I6", SeedLatchKept, V4_14, "reset"),
    Mutant("I6", DeviceIgnored, V7_2, "spi-edge"),
    Mutant("I6", SgiIgnored, V7_2, "save"),
    Mutant("I9", YieldsInFold, V4_14, "migrate"),
    Mutant("I9", FoldsUnlocked, V7_2, "timer-wfi"),
    Mutant("I14", NpieForActive, V7_2, "overflow-dir"),
    Mutant("L4", HaltWaitsForNobody, V7_2, "smp-mix"),
    Mutant("L4", NeverResumes, V7_2, "smp-mix"),
    Mutant("L4", IgnoresSignals, V7_2, "save"),
    Mutant("L6", SavesRunningVm, V7_2, "save"),
    Mutant("L6", SoftTimerOutlives, V4_14, "save"),
    Mutant("L6", ForgetsCval, V7_2, "save"),
    Mutant("L6", ForgetsActive, V7_2, "save"),
    Mutant("L6", SavesForEver, V7_2, "save"),
    Mutant("G3", EdgeOutlivesReset, V7_2, RESETS),
    Mutant("L6", ForgetsCounter, V7_2, "save", (("counter", "stops"),)),
)
