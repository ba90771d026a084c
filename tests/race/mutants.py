"""For each rule a variant that breaks it, and the clean twin. One idea each, none subtle.

Those of the rules in ``model/rules/registers.py``, ``signals.py``, ``ap_list.py``, ``edges.py`` and
``vm.py`` have files of their own.
"""

from pathlib import Path
from typing import Any

import msgspec

from harness.contract import Guard
from harness.kvm.lazy import Lazy
from harness.kvm.ops import KVM_OPS
from harness.kvm.seed import Seed
from harness.tasks.context import Context
from harness.tasks.host_irq import HostIrq
from model import facts
from model.facts import TimerSaved
from model.gic.lr import PENDING_ACTIVE, Lr
from model.gic.registers import FIRST_LPI
from model.messages import VTIMER_PPI
from model.timer import ENABLE
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
from tests.race.mutant import Mutant, exhibit
from tests.race.mutants_phys import PHYS
from tests.race.mutants_registers import REGISTERS, FlushWithIrqsOn
from tests.race.mutants_signals import SIGNALS
from tests.race.mutants_vgic import VGIC

LINE_FALLS = str(Path(__file__).parent / "scenarios" / "line-falls.toml")
MANY_EXITS = str(Path(__file__).parent / "scenarios" / "many-exits.toml")


# -- KVM ---------------------------------------------------------------------------------------


class HandlerInjectsNothing(Lazy):
    async def inject(self, ctx: Context, v: int, level: bool) -> None:
        if not ctx.in_irq:
            await super().inject(ctx, v, level)


class BlindHandler(Lazy):
    """The host's handler neither looks nor injects."""

    async def timer_isr(self, h: Context) -> bool | None:
        await h.task.step(h.o.isr_timer)
        return None


class EnablesUnsampled(Lazy):
    """Enabling does not look at the line again."""

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        """Leave the line as it was seen last."""


class LeftActiveAtExit(Lazy):
    """A line found low at an exit does not release the physical interrupt."""

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        await t.step(t.o.resample)
        self.sample_line(t, irq)


class PendingAndActive(Seed):
    def populate_lr(self, irq: VgicIrq) -> Lr:
        both = irq.active and irq.is_pending()
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, state=PENDING_ACTIVE) if both else lr


class WrongPhysicalId(Lazy):
    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, pintid=lr.pintid ^ 1)


class TwoRegisters(Lazy):
    """Writes what is in the first List Register into the second as well."""

    async def write_lrs(self, t: Context) -> None:
        await super().write_lrs(t)
        self.machine.gic.write_lr(t.c, 1, self.machine.gic.lr(t.c, 0))


class LinkedLpi(Lazy):
    """Sets the HW bit for an LPI."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return lr if lr.hw else msgspec.structs.replace(lr, hw=True, pintid=FIRST_LPI)


class QueuedUnkicked(Lazy):
    """Queues what is injected and kicks nobody."""

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        """Neither a request nor a kick."""


class DeactivatedByHost(HostIrq):
    def forwarded(self, intid: int) -> bool:
        return intid == VTIMER_PPI


class HostDeactivates(Lazy):
    host_irq_class = DeactivatedByHost


class NeverPolls(Lazy):
    def trusted(self, t: Context, lr: Lr) -> Lr:
        return lr


class NeverActive(Seed):
    def phys_active_needed(self, level: bool, active: bool) -> bool:
        return False


class NotWrittenAtLoad(Lazy):
    async def load_phys_active(self, t: Context) -> None:
        await self.map_is_active(t)


class AlwaysActive(Lazy):
    async def load_phys_active(self, t: Context) -> None:
        await t.step(t.o.phys_active)
        self.set_phys_active(t, VTIMER_PPI, True)


class SeedAlwaysActive(Seed):
    def phys_active_needed(self, level: bool, active: bool) -> bool:
        return True


class KeepsPriority(HostIrq):
    async def drop_priority(self, intid: int) -> None:
        """No EOIR."""


class NoPriorityDrop(Lazy):
    host_irq_class = KeepsPriority


class IrqsIgnored(Lazy):
    def forced_exit(self, t: Context) -> Guard:
        return lambda: False


class NotForwarded(Lazy):
    timer_forwarded = False


class TimerLeftLoaded(Lazy):
    """The put copies the timer to memory and leaves the hardware as it is, and says nothing."""

    def take_off_hardware(self, t: Context) -> None:
        timer, vtimer = self.machine.timers[t.c], self.machine.vtimers[t.v]
        vtimer.ctl, vtimer.cval, vtimer.loaded = timer.ctl, timer.cval, False


class TimerLeftOn(Lazy):
    """The put copies the timer to memory and forgets to disable it."""

    def take_off_hardware(self, t: Context) -> None:
        timer, vtimer = self.machine.timers[t.c], self.machine.vtimers[t.v]
        vtimer.ctl, vtimer.cval, vtimer.loaded = timer.ctl, timer.cval, False
        self.emit(TimerSaved(t.v, t.c, vtimer.ctl, vtimer.cval, timer.ctl))


class SoftTimerLate(Lazy):
    OPS = KVM_OPS | {"soft_arm": ("clock thread@v", "vtimer@v hrtimer@v signal*")}

    def soft_timer_start(self, t: Context) -> None:
        vtimer = self.machine.vtimers[t.v]
        vtimer.cval += 30
        super().soft_timer_start(t)
        vtimer.cval -= 30


class ForgetsEnable(Lazy):
    """The load programs the timer but leaves it disabled if it was to fire later."""

    def put_on_hardware(self, t: Context) -> None:
        super().put_on_hardware(t)
        timer = self.machine.timers[t.c]
        if timer.ctl == ENABLE and not timer.output():
            timer.ctl = 0


class CallbackDoesNothing(Lazy):
    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        return False


class RequestsNotRechecked(FlushWithIrqsOn):
    """The same, and whoever injected after the flush goes unnoticed (museum 30)."""

    async def ready_to_enter(self, t: Context) -> bool:
        await super().ready_to_enter(t)
        self.machine.threads[t.v].mode = 1
        return True


class LockKept(Lazy):
    """A handler that injected keeps irq_lock."""

    def gave(self, ctx: Context, lock: Any) -> None:
        if ctx.in_irq and isinstance(lock, VgicIrq):
            self.emit(facts.LockReleased(ctx.name, self.world.part_names[lock.bit]))
            return
        super().gave(ctx, lock)


class NoIrqSave(Lazy):
    """Locks that a handler takes are taken with interrupts on (388d4359680b)."""

    async def irq_save(self, ctx: Context) -> bool:
        return False


class LocksSwapped(Lazy):
    """Prune takes irq_lock before ap_list_lock."""

    async def prune(self, t: Context) -> None:
        irq = self.machine.irqs[t.v]
        await t.lock(irq, t.o.prune_irq)
        self.took(t, irq)
        vgic = self.machine.vgics[t.v]
        await t.lock(vgic, t.o.prune_irq)
        self.took(t, vgic)
        vgic.used = 0
        await t.step(t.o.queue_unlock)
        self.gave(t, vgic)
        self.gave(t, irq)


MUTANTS = (
    Mutant("R0", HandlerInjectsNothing, Lazy, "timer-wfi"),
    Mutant("R3", on_machine(Lazy, AckEmpties), Lazy, "timer-wfi"),
    Mutant("R0", BlindHandler, Lazy, "timer-wfi"),
    Mutant("R6", on_machine(Lazy, NeverSent), Lazy, "timer-wfi"),
    Mutant("I7", EnablesUnsampled, Lazy, "timer-busy"),
    Mutant("I2", LeftActiveAtExit, Lazy, LINE_FALLS),
    Mutant("R28", exhibit("14", "lazy"), Lazy, "timer-wfi", schedules=2000),
    Mutant("R2b", TwoRegisters, Lazy, "timer-wfi"),
    Mutant("R4", WrongPhysicalId, Lazy, "timer-wfi"),
    Mutant("R13", HostDeactivates, Lazy, "spi-edge"),
    Mutant("R20", on_machine(Lazy, TakenWhileActive), Lazy, "spi-edge"),
    Mutant("R21", on_machine(Lazy, EdgeLostWhileActive), Lazy, "spi-edge"),
    Mutant("R5", PendingAndActive, Seed, "migrate"),
    Mutant("R6", exhibit("bound-3", "lazy"), Lazy, "timer-busy"),
    Mutant(
        "R10",
        on_machine(Lazy, ArchAfterAll),
        Lazy,
        "timer-wfi",
        (("lr_on_guest_deactivate", "seed"),),
    ),
    Mutant("R11", NeverPolls, Lazy, "timer-wfi", (("lr_on_guest_deactivate", "seed"),)),
    Mutant("R12", NeverActive, Seed, "timer-wfi"),
    Mutant("R14", NoPriorityDrop, Lazy, "timer-busy"),
    Mutant("R15", NeverActive, Seed, "timer-wfi"),
    Mutant("R15", NotWrittenAtLoad, Lazy, "timer-wfi"),
    Mutant("R17", IrqsIgnored, Lazy, "timer-busy"),
    Mutant("R18", exhibit("4", "seed"), Seed, "timer-busy"),
    Mutant("R18", NotForwarded, Lazy, "timer-busy"),
    Mutant("R19", on_machine(Lazy, DeactivationLatches), Lazy, "timer-wfi"),
    Mutant("R24", on_machine(Lazy, ActiveLpi), Lazy, "lpi"),
    Mutant("R25", on_machine(Lazy, LpiTwice), Lazy, "lpi"),
    Mutant("R26", LinkedLpi, Lazy, "lpi"),
    Mutant("R27", QueuedUnkicked, Lazy, "lpi"),
    Mutant("R23", NotWrittenAtLoad, Lazy, "migrate"),
    Mutant("R28", TimerLeftLoaded, Lazy, "migrate"),
    Mutant("R29", exhibit("3", "seed"), Seed, "migrate"),
    Mutant("R30", SoftTimerLate, Lazy, "timer-wfi"),
    Mutant("R31", exhibit("bound-2", "seed"), Seed, "timer-busy"),
    Mutant("I1", exhibit("23", "seed"), Seed, "timer-wfi"),
    Mutant("I2", AlwaysActive, Lazy, "timer-wfi"),
    Mutant("I2", SeedAlwaysActive, Seed, "timer-wfi"),
    Mutant("I3", PendingAndActive, Seed, "migrate"),
    Mutant("I10", SeedAlwaysActive, Seed, "timer-busy"),
    Mutant("I11", exhibit("29", "lazy"), Lazy, "timer-wfi"),
    Mutant("I12", RequestsNotRechecked, FlushWithIrqsOn, MANY_EXITS, schedules=2000),
    Mutant("I15", TimerLeftOn, Lazy, "migrate"),
    Mutant("L1", ForgetsEnable, Lazy, "timer-wfi"),
    Mutant("L2", exhibit("4", "seed"), Seed, "timer-busy"),
    Mutant("L5", CallbackDoesNothing, Lazy, "timer-wfi"),
    Mutant("deadlock", LockKept, Lazy, "timer-wfi"),
    Mutant("lock-order", NoIrqSave, Lazy, "timer-wfi"),
    Mutant("lock-order", LocksSwapped, Lazy, "timer-wfi"),
    *PHYS,
    *REGISTERS,
    *SIGNALS,
    *VGIC,
)
