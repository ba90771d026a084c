"""What breaks the rules about the emulated physical timer."""

from harness.actors.context import Context
from model.vgic.vtimer import VTimer

from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from tests.race.mutant import Mutant, exhibit


class EarlyInterrupt(V7_2):
    """The vgic is told that the timer fires as soon as it can."""

    def level_changes(self, ptimer: VTimer, level: bool) -> bool:
        return level != ptimer.irq_level or (ptimer.can_fire() and not level)

    async def inject_ptimer(self, ctx: Context, v: int, level: bool) -> None:
        fires = self.machine.ptimers[v].can_fire()
        await super().inject_ptimer(ctx, v, level or fires)


class NeverArmed(V7_2):
    """Writes are emulated but for the soft timer."""

    async def emulate(self, t: Context) -> None:
        if self.machine.ptimers:
            await self.update_ptimer(t)


PHYS = (
    Mutant("R30", exhibit("26", "v7.2"), V7_2, "timer-phys"),
    Mutant("R30", exhibit("26", "v4.14"), V4_14, "timer-phys"),
    Mutant("I7", exhibit("27", "v7.2"), V7_2, "timer-phys"),
    Mutant("I7", EarlyInterrupt, V7_2, "timer-phys"),
    Mutant("I11", exhibit("26", "v7.2"), V7_2, "timer-phys"),
    Mutant("I11", exhibit("26-load", "v7.2"), V7_2, "timer-phys"),
    Mutant("I11", NeverArmed, V7_2, "timer-phys"),
    Mutant("L1", exhibit("26", "v7.2"), V7_2, "timer-phys"),
    Mutant("L1", exhibit("26", "v4.14"), V4_14, "timer-phys"),
    Mutant("L2", exhibit("26-load", "v7.2"), V7_2, "timer-phys"),
)
