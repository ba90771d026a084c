"""What breaks the rules about the emulated physical timer."""

from harness.kvm.lazy import Lazy
from harness.kvm.seed import Seed
from harness.tasks.context import Context
from model.vgic.vtimer import VTimer
from tests.race.mutant import Mutant, exhibit


class EarlyInterrupt(Lazy):
    """The vgic is told that the timer fires as soon as it can."""

    def level_changes(self, ptimer: VTimer, level: bool) -> bool:
        return level != ptimer.irq_level or (ptimer.can_fire() and not level)

    async def inject_ptimer(self, ctx: Context, v: int, level: bool) -> None:
        fires = self.machine.ptimers[v].can_fire()
        await super().inject_ptimer(ctx, v, level or fires)


class NeverArmed(Lazy):
    """Writes are emulated but for the soft timer."""

    async def emulate(self, t: Context) -> None:
        if self.machine.ptimers:
            await self.update_ptimer(t)


PHYS = (
    Mutant("R30", exhibit("26", "lazy"), Lazy, "timer-phys"),
    Mutant("R30", exhibit("26", "seed"), Seed, "timer-phys"),
    Mutant("I7", exhibit("27", "lazy"), Lazy, "timer-phys"),
    Mutant("I7", EarlyInterrupt, Lazy, "timer-phys"),
    Mutant("I11", exhibit("26", "lazy"), Lazy, "timer-phys"),
    Mutant("I11", exhibit("26-load", "lazy"), Lazy, "timer-phys"),
    Mutant("I11", NeverArmed, Lazy, "timer-phys"),
    Mutant("L1", exhibit("26", "lazy"), Lazy, "timer-phys"),
    Mutant("L1", exhibit("26", "seed"), Seed, "timer-phys"),
    Mutant("L2", exhibit("26-load", "lazy"), Lazy, "timer-phys"),
)
