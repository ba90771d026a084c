"""What breaks the rules about the emulated physical timer."""

from harness.context import Context
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from model.identity import PTIMER
from model.timer_context import TimerContext
from tests.race.mutant import Mutant


class EarlyInterrupt(V7_2):
    """The vgic is told that the timer fires as soon as it can."""

    def level_changes(self, ptimer: TimerContext, level: bool) -> bool:
        return level != ptimer.irq_level or (ptimer.can_fire() and not level)

    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        if timer == PTIMER:
            level = level or self.machine.timers[v][PTIMER].can_fire()
        await super().inject_timer(ctx, v, timer, level)


class NeverArmed(V7_2):
    """Writes are emulated but for the soft timer."""

    async def emulate(self, t: Context) -> None:
        if self.emulates():
            await self.update_ptimer(t)


PHYS = (
    Mutant("R30", resolve_variant("v7.2+26"), V7_2, "timer-phys"),
    Mutant("R30", resolve_variant("v4.14+26"), V4_14, "timer-phys"),
    Mutant("I7", resolve_variant("v7.2+27"), V7_2, "timer-phys"),
    Mutant("I7", EarlyInterrupt, V7_2, "timer-phys"),
    Mutant("I11", resolve_variant("v7.2+26"), V7_2, "timer-phys"),
    Mutant("I11", resolve_variant("v7.2+26-load"), V7_2, "timer-phys"),
    Mutant("I11", NeverArmed, V7_2, "timer-phys"),
    Mutant("L1", resolve_variant("v7.2+26"), V7_2, "timer-phys"),
    Mutant("L1", resolve_variant("v4.14+26"), V4_14, "timer-phys"),
    Mutant("L2", resolve_variant("v7.2+26-load"), V7_2, "timer-phys"),
)
