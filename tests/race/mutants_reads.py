"""Variants whose guests read registers wrong: each kind of read, once."""

from pathlib import Path

import msgspec

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.resources import CLOCK, CTLR, VTIMER as VTIMER_STATE
from model.gic.lr import Lr
from model.gic.registers import SGIS
from model.guest import READ_ENABLED, READ_PRIORITY, REGISTERS, Instruction
from model.identity import PTIMER, VTIMER
from model.timer import IMASK
from model.vgic.irq import VgicIrq
from tests.race.mutant import Mutant
from tests.race.mutants_registers import SavesTimerWrong

HERE = Path(__file__).parent / "scenarios"
FAR = str(HERE / "far-registers.toml")
SWITCHED = str(HERE / "dist-switched.toml")
AFTER_EXIT = str(HERE / "ctl-after-exit.toml")


class EnabledReadsAsOne(V7_2):
    """ISENABLER reads as 1 whatever was written."""

    async def read_field(self, t: Context, irq: VgicIrq, code: int) -> None:
        if code != READ_ENABLED:
            await super().read_field(t, irq, code)
            return
        await t.step(Steps.read_field, t.at(t.v, irq))
        irq.read(t.v, "isenabler", True)


class EnabledOfTheReader(V7_2):
    """ISENABLER of another VCPU's redistributor reads as the reader's own."""

    async def read_field(self, t: Context, irq: VgicIrq, code: int) -> None:
        if code != READ_ENABLED or irq.is_spi():
            await super().read_field(t, irq, code)
            return
        own = self.machine.irq(t.v, irq.intid)
        await t.step(Steps.read_field, t.at(t.v, own))
        irq.read(t.v, "isenabler", own.enabled)


class PriorityIgnored(V7_2):
    """IPRIORITYR ignores writes."""

    async def write_priority(self, t: Context, irq: VgicIrq, value: int) -> None:
        await super().write_priority(t, irq, irq.initial)


class PriorityWithLowBits(V7_2):
    """IPRIORITYR reads with bits that are not implemented."""

    async def read_field(self, t: Context, irq: VgicIrq, code: int) -> None:
        if code != READ_PRIORITY:
            await super().read_field(t, irq, code)
            return
        await t.step(Steps.read_field, t.at(t.v, irq))
        irq.read(t.v, "ipriorityr", irq.priority | 1)


class RoutedNowhereElse(V7_2):
    """IROUTER reads as what it was at first."""

    async def write_target(self, t: Context, irq: VgicIrq, target: int) -> None:
        await super().write_target(t, irq, 0)


class PrioritiesForgotten(V7_2):
    """List Registers have the highest priority, whatever the guest wrote."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        return msgspec.structs.replace(super().populate_lr(irq), priority=0)


class SgisNowhere(V7_2):
    """SGIs are never queued, as if they were for nobody."""

    def target_oracle(self, ctx: Context, irq: VgicIrq) -> int:
        return -1 if irq.intid < SGIS else super().target_oracle(ctx, irq)


class AnotherNumber(V7_2):
    """What is pending for the guest comes under the number of an SGI that was not sent."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return lr if irq.intid != 3 else msgspec.structs.replace(lr, vintid=5)


class RestoredMasked(V7_2):
    """The timer's CTL is restored with IMASK."""

    def put_on_hardware(self, t: Context) -> None:
        super().put_on_hardware(t)
        self.machine.hw_timers[t.c].ctl |= IMASK


class OffsetForgotten(V7_2):
    """The timer is restored without CNTVOFF."""

    def put_on_hardware(self, t: Context) -> None:
        super().put_on_hardware(t)
        self.machine.hw_timers[t.c].cntvoff = 0


class ReadsAnotherTime(V7_2):
    """The physical timer is read as of some time ago."""

    AGO_NS = 10_000

    async def read_ptimer(self, t: Context, access: Instruction) -> None:
        await self.point(t, Steps.read_ptimer)
        then = self.machine.clock.now - self.AGO_NS
        self.machine.timers[t.v][PTIMER].read(REGISTERS[access.a], then)


READ_OTHER = Step((VTIMER_STATE.own, CLOCK), (), "read_ptimer")


class ReadsTheOtherTimer(V7_2):
    """Reads of the physical timer give what the virtual one has in memory."""

    async def read_ptimer(self, t: Context, access: Instruction) -> None:
        await self.point(t, READ_OTHER)
        vtimer = self.machine.timers[t.v][VTIMER]
        vtimer.read(REGISTERS[access.a], self.machine.clock.now)


READ_SWITCH = Step((CTLR,), (CTLR,), "read_dist")


class SwitchReadsOn(V7_2):
    """GICD_CTLR reads as 1 whatever was written."""

    async def read_dist(self, t: Context) -> None:
        await self.point(t, READ_SWITCH)
        ctlr = self.machine.ctlr
        assert ctlr is not None
        was_on, ctlr.enabled = ctlr.enabled, True
        ctlr.read(t.v)
        ctlr.enabled = was_on


class SwitchIgnored(V7_2):
    """What is enabled and pending is forwarded, the distributor on or off."""

    def dist_is_on(self) -> bool:
        return True


READS = (
    Mutant("G1", SwitchReadsOn, V7_2, SWITCHED),
    Mutant("G2", SwitchIgnored, V7_2, SWITCHED),
    Mutant("G1", EnabledReadsAsOne, V7_2, "registers"),
    Mutant("G1", EnabledOfTheReader, V7_2, FAR),
    Mutant("G1", PriorityIgnored, V7_2, "registers"),
    Mutant("G1", PriorityWithLowBits, V7_2, "registers"),
    Mutant("G1", RoutedNowhereElse, V7_2, FAR),
    Mutant("G11", PrioritiesForgotten, V7_2, "registers"),
    Mutant("G11", SgisNowhere, V7_2, "registers"),
    Mutant("G11", AnotherNumber, V7_2, "registers"),
    Mutant("G12", RestoredMasked, V7_2, AFTER_EXIT),
    Mutant("G12", OffsetForgotten, V7_2, "registers"),
    Mutant("G12", SavesTimerWrong, V4_14, "registers"),
    Mutant("G12", ReadsAnotherTime, V7_2, "registers"),
    Mutant("G12", ReadsTheOtherTimer, V7_2, "registers"),
)
