"""For each rule a variant that breaks it, and the clean twin. One idea each, none subtle.

Those of the rules in ``model/rules/registers.py``, ``signals.py``, ``ap_list.py``, ``edges.py`` and
``vm.py`` have files of their own.
"""

from pathlib import Path

import msgspec

from harness.context import Context
from harness.contract import Guard
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from model.gic.lr import PENDING_ACTIVE, Lr
from model.gic.registers import FIRST_LPI
from model.host.thread import IN_GUEST
from model.identity import VTIMER
from model.timer import ENABLE, VTIMER_PPI
from model.vgic.irq import VgicIrq
from tests.race.broken_hardware import (
    AckEmpties,
    ActiveLpi,
    ArchAfterAll,
    DeactivationLatches,
    EdgeLostWhileActive,
    LpiTwice,
    NeverSent,
    TakenWhileActive,
    on_machine,
)
from tests.race.mutant import Mutant
from tests.race.mutants_groups import GROUPS
from tests.race.mutants_guest import GUEST
from tests.race.mutants_phys import PHYS
from tests.race.mutants_reads import READS
from tests.race.mutants_registers import REGISTERS, FlushWithIrqsOn
from tests.race.mutants_signals import SIGNALS
from tests.race.mutants_soft import SOFT
from tests.race.mutants_vgic import VGIC
from tests.race.mutants_vhe import VHE_HOST

LINE_FALLS = str(Path(__file__).parent / "scenarios" / "line-falls.toml")
MANY_EXITS = str(Path(__file__).parent / "scenarios" / "many-exits.toml")


# -- KVM ---------------------------------------------------------------------------------------


class HandlerInjectsNothing(V7_2):
    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        if not ctx.in_irq:
            await super().inject_timer(ctx, v, timer, level)


class BlindHandler(V7_2):
    """The host's handler neither looks nor injects."""

    async def timer_isr(self, h: Context) -> bool | None:
        await h.step(Steps.isr_timer)
        return None


class EnablesUnsampled(V7_2):
    """Enabling does not look at the line again."""

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Leave the line as it was seen last."""


class LeftActiveAtExit(V7_2):
    """A line found low at an exit does not release the physical interrupt."""

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        await t.step(Steps.resample)
        self.sample_line(t, irq)


class PendingAndActive(V4_14):
    def populate_lr(self, irq: VgicIrq) -> Lr:
        both = irq.active and irq.is_pending()
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, state=PENDING_ACTIVE) if both else lr


class WrongPhysicalId(V7_2):
    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, pintid=lr.pintid ^ 1)


class TwoRegisters(V7_2):
    """Writes what is in the first List Register into the second as well."""

    async def write_lrs(self, t: Context) -> None:
        await super().write_lrs(t)
        self.machine.gic.write_lr(t.c, 1, self.machine.gic.lr(t.c, 0))


class LinkedLpi(V7_2):
    """Sets the HW bit for an LPI."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return lr if lr.hw else msgspec.structs.replace(lr, hw=True, pintid=FIRST_LPI)


class QueuedUnkicked(V7_2):
    """Queues what is injected and kicks nobody."""

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        """Neither a request nor a kick."""


class HostDeactivates(V7_2):
    def forwarded(self, intid: int) -> bool:
        return intid == VTIMER_PPI


class NeverPolls(V7_2):
    def trusted(self, t: Context, lr: Lr) -> Lr:
        return lr


class NeverActive(V4_14):
    def phys_active_needed(self, level: bool, active: bool) -> bool:
        return False


class NotWrittenAtLoad(V7_2):
    async def load_phys_active(self, t: Context) -> None:
        await self.map_is_active(t)


class AlwaysActive(V7_2):
    async def load_phys_active(self, t: Context) -> None:
        await t.step(Steps.phys_active)
        self.set_phys_active(t, VTIMER_PPI, True)


class SeedAlwaysActive(V4_14):
    def phys_active_needed(self, level: bool, active: bool) -> bool:
        return True


class NoPriorityDrop(V7_2):
    async def drop_priority(self, h: Context, intid: int) -> None:
        """No EOIR."""


class IrqsIgnored(V7_2):
    def forced_exit(self, t: Context) -> Guard:
        return lambda: False


class NotForwarded(V7_2):
    timer_forwarded = False


class TimerLeftLoaded(V7_2):
    """The put copies the timer to memory and leaves the hardware as it is, and says nothing."""

    def take_off_hardware(self, t: Context) -> None:
        hardware, vtimer = self.machine.hw_timers[t.c], self.machine.timers[t.v][VTIMER]
        vtimer.ctl, vtimer.cval, vtimer.loaded = hardware.ctl, hardware.cval, False


class TimerLeftOn(V7_2):
    """The put copies the timer to memory and forgets to disable it."""

    def take_off_hardware(self, t: Context) -> None:
        vtimer = self.machine.timers[t.v][VTIMER]
        vtimer.save_from(self.machine.hw_timers[t.c], t.c, disable=False)


class SoftTimerLate(V7_2):
    def earliest(self, v: int) -> int:
        deadline = super().earliest(v)
        return deadline + 30 if deadline >= 0 else deadline


class ForgetsEnable(V7_2):
    """The load programs the timer but leaves it disabled if it was to fire later."""

    def put_on_hardware(self, t: Context) -> None:
        super().put_on_hardware(t)
        hardware = self.machine.hw_timers[t.c]
        if hardware.ctl == ENABLE and not hardware.output():
            hardware.ctl = 0


class CallbackDoesNothing(V7_2):
    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        return False


class RequestsNotRechecked(FlushWithIrqsOn):
    """The same, and whoever injected after the flush goes unnoticed (museum 30)."""

    async def ready_to_enter(self, t: Context) -> bool:
        await super().ready_to_enter(t)
        self.machine.threads[t.v].mode = IN_GUEST
        return True


class LockKept(V7_2):
    """A handler that injected takes irq_lock once more, and keeps it."""

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        await super().inject_irq(ctx, irq, v, level)
        if ctx.in_irq:
            await ctx.lock(irq, Steps.inject, ctx.at(v, irq))
            ctx.acquired(irq)


class InjectsUnmasked(V7_2):
    """An injection takes its locks, which a handler takes too, with interrupts on."""

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        at = ctx.at(v, irq)
        await ctx.lock(irq, Steps.inject, at)
        ctx.acquired(irq)
        accepted = self.accepts_injection(irq, level)
        irq.inject(ctx.c, v, level, accepted=accepted)
        if accepted:
            await self.queue_irq_unlock(ctx, irq, False)
        else:
            await ctx.step(Steps.inject_unlock, at)
            ctx.released(irq)


class NoIrqSave(V4_14):
    """Locks that a handler takes are taken with interrupts on (388d4359680b)."""

    async def irqs_off_for_handlers(self, t: Context) -> bool:
        return False


class LocksSwapped(V7_2):
    """Prune takes irq_lock before ap_list_lock."""

    async def prune(self, t: Context) -> None:
        irq, vgic = self.timer_irq(t.v), self.machine.vgics[t.v]
        await t.lock(irq, Steps.prune_irq)
        t.acquired(irq)
        await t.lock(vgic, Steps.prune_irq)
        t.acquired(vgic)
        vgic.used = 0
        await t.step(Steps.queue_unlock)
        t.released(vgic)
        t.released(irq)


MUTANTS = (
    Mutant("R0", HandlerInjectsNothing, V7_2, "timer-wfi"),
    Mutant("R3", on_machine(V7_2, AckEmpties), V7_2, "timer-wfi"),
    Mutant("R0", BlindHandler, V7_2, "timer-wfi"),
    Mutant("R6", on_machine(V7_2, NeverSent), V7_2, "timer-wfi"),
    Mutant("I7", EnablesUnsampled, V7_2, "timer-busy"),
    Mutant("I2", LeftActiveAtExit, V7_2, LINE_FALLS),
    Mutant("R28", resolve_variant("v7.2+14"), V7_2, "timer-wfi", schedules=2000),
    Mutant("R2b", TwoRegisters, V7_2, "timer-wfi"),
    Mutant("R4", WrongPhysicalId, V7_2, "timer-wfi"),
    Mutant("R13", HostDeactivates, V7_2, "spi-edge"),
    Mutant("R20", on_machine(V7_2, TakenWhileActive), V7_2, "spi-edge"),
    Mutant("R21", on_machine(V7_2, EdgeLostWhileActive), V7_2, "spi-edge"),
    Mutant("R5", PendingAndActive, V4_14, "migrate"),
    Mutant("R6", resolve_variant("v7.2+bound-3"), V7_2, "timer-busy"),
    Mutant(
        "R10",
        on_machine(V7_2, ArchAfterAll),
        V7_2,
        "timer-wfi",
        (("lr_on_guest_deactivate", "polled"),),
    ),
    Mutant("R11", NeverPolls, V7_2, "timer-wfi", (("lr_on_guest_deactivate", "polled"),)),
    Mutant("R12", NeverActive, V4_14, "timer-wfi"),
    Mutant("R14", NoPriorityDrop, V7_2, "timer-busy"),
    Mutant("R15", NeverActive, V4_14, "timer-wfi"),
    Mutant("R15", NotWrittenAtLoad, V7_2, "timer-wfi"),
    Mutant("R17", IrqsIgnored, V7_2, "timer-busy"),
    Mutant("R18", resolve_variant("v4.14+4"), V4_14, "timer-busy"),
    Mutant("R18", NotForwarded, V7_2, "timer-busy"),
    Mutant("R19", on_machine(V7_2, DeactivationLatches), V7_2, "timer-wfi"),
    Mutant("R24", on_machine(V7_2, ActiveLpi), V7_2, "lpi"),
    Mutant("R25", on_machine(V7_2, LpiTwice), V7_2, "lpi"),
    Mutant("R26", LinkedLpi, V7_2, "lpi"),
    Mutant("R27", QueuedUnkicked, V7_2, "lpi"),
    Mutant("R23", NotWrittenAtLoad, V7_2, "migrate"),
    Mutant("R28", TimerLeftLoaded, V7_2, "migrate"),
    Mutant("R29", resolve_variant("v4.14+3"), V4_14, "migrate"),
    Mutant("R30", SoftTimerLate, V7_2, "timer-wfi"),
    Mutant("R31", resolve_variant("v4.14+bound-2"), V4_14, "timer-busy"),
    Mutant("I1", resolve_variant("v4.14+23"), V4_14, "timer-wfi"),
    Mutant("I2", AlwaysActive, V7_2, "timer-wfi"),
    Mutant("I2", SeedAlwaysActive, V4_14, "timer-wfi"),
    Mutant("I3", PendingAndActive, V4_14, "migrate"),
    Mutant("I10", SeedAlwaysActive, V4_14, "timer-busy"),
    Mutant("I11", resolve_variant("v7.2+29"), V7_2, "timer-wfi"),
    Mutant("I12", RequestsNotRechecked, FlushWithIrqsOn, MANY_EXITS, schedules=2000),
    Mutant("I15", TimerLeftOn, V7_2, "migrate"),
    Mutant("L1", ForgetsEnable, V7_2, "timer-wfi"),
    Mutant("L2", resolve_variant("v4.14+4"), V4_14, "timer-busy"),
    Mutant("L5", CallbackDoesNothing, V7_2, "timer-wfi"),
    Mutant("deadlock", LockKept, V7_2, "timer-wfi"),
    Mutant("lock-order", InjectsUnmasked, V7_2, "timer-wfi"),
    Mutant("lock-order", NoIrqSave, V4_14, "spi-level"),
    Mutant("lock-order", LocksSwapped, V7_2, "timer-wfi"),
    Mutant("G8", BlindHandler, V7_2, "timer-busy"),
    *GROUPS,
    *GUEST,
    *PHYS,
    *READS,
    *REGISTERS,
    *SIGNALS,
    *SOFT,
    *VHE_HOST,
    *VGIC,
)
