"""What breaks the rules about a physical timer that the hardware runs (knob host)."""

from pathlib import Path

from harness.context import Context
from harness.kvm.steps import Steps
from harness.kvm.v7_2 import V7_2
from model.identity import PTIMER
from model.timer import PTIMER_PPI
from model.vgic.irq import VgicIrq
from tests.race.mutant import Mutant

VHE = (("host", "vhe"),)
MASKED = str(Path(__file__).parent / "scenarios" / "ptimer-masked.toml")


class OneTimersHandler(V7_2):
    """The host's handler takes each interrupt for the virtual timer's."""

    async def ptimer_isr(self, h: Context) -> bool | None:
        return await self.timer_isr(h)


class ActiveNotRestored(V7_2):
    """The load writes the physical active state of one timer alone."""

    async def load_ptimer(self, t: Context) -> None:
        await t.step(Steps.ptimer_update)
        level = self.machine.timers[t.v][PTIMER].sample(self.machine.clock.now)
        await self.inject_timer(t, t.v, PTIMER, level)


class ActiveLeft(V7_2):
    """The load makes it active whatever is needed."""

    def set_phys_active(self, t: Context, intid: int, active: bool) -> None:
        super().set_phys_active(t, intid, active or intid == PTIMER_PPI)


class PtimerNotRestored(V7_2):
    """The load programs one timer alone."""

    async def restore_ptimer(self, t: Context) -> None:
        """Leave the other as it is."""


class PtimerLeftOn(V7_2):
    """The put stores the physical timer to memory and forgets to disable it."""

    async def save_ptimer(self, t: Context) -> None:
        await t.step(Steps.ptimer_save)
        hardware = self.machine.hw_ptimers[t.c]
        self.machine.timers[t.v][PTIMER].save_from(hardware, t.c, disable=False)


class LooksInMemory(V7_2):
    """The line is read in memory, loaded or not."""

    def ptimer_level(self, t: Context, v: int) -> bool:
        return self.machine.timers[v][PTIMER].sample(self.machine.clock.now)


class NotReleased(V7_2):
    """A line that fell is noted, and the physical timer's interrupt stays active."""

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        if irq.intid == PTIMER_PPI:
            await t.step(Steps.resample_ptimer, t.at(t.v, irq))
            self.sample_line(t, irq)
        else:
            await super().resample(t, irq)


class SleepsOnOne(V7_2):
    """The background timer is armed for the virtual timer alone."""

    def earliest(self, v: int) -> int:
        timer = self.blocking_timers(v)[0]
        return timer.deadline() if timer.can_fire() else -1


VHE_HOST = (
    Mutant("R0", OneTimersHandler, V7_2, "timer-phys", VHE),
    Mutant("R12", ActiveNotRestored, V7_2, "timer-phys", VHE),
    Mutant("R15", ActiveNotRestored, V7_2, "timer-phys", VHE),
    Mutant("R23", ActiveNotRestored, V7_2, "timer-phys", VHE),
    Mutant("R29", ActiveNotRestored, V7_2, "timer-phys", VHE),
    Mutant("I1", ActiveNotRestored, V7_2, "timer-phys", VHE),
    Mutant("I2", ActiveLeft, V7_2, "timer-phys", VHE),
    Mutant("G8", ActiveLeft, V7_2, "timer-phys", VHE),
    Mutant("R28", PtimerNotRestored, V7_2, "timer-phys", VHE),
    Mutant("I15", PtimerLeftOn, V7_2, "timer-phys", VHE),
    Mutant("R30", PtimerLeftOn, V7_2, "timer-phys", VHE),
    Mutant("R28b", LooksInMemory, V7_2, "timer-phys", VHE),
    Mutant("I2", NotReleased, V7_2, MASKED, VHE),
    Mutant("I11", SleepsOnOne, V7_2, "timer-phys", VHE),
    Mutant("R30", SleepsOnOne, V7_2, "timer-phys", VHE),
)
