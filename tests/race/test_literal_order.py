"""The document's steps 9, 10, 11 taken literally, with interrupts on, are caught.

The document programs the timer (9), marks the interrupt active (10), then injects (11). Done so
with the host's interrupts unmasked, the timer can fire before it is masked by the active state, and
the host handles an interrupt that it should never see.
"""

from harness.context import Context
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from model.identity import VTIMER
from model.timer import VTIMER_PPI
from tests.race.running import outcomes, world_of


class LiteralOrder(V4_14):
    """Timer registers first, then the active state, then the injection; interrupts on."""

    async def flush_timer(self, t: Context) -> None:
        await t.step(Steps.timer_restore)
        self.put_on_hardware(t)
        vtimer = self.machine.timers[t.v][VTIMER]
        await t.step(Steps.timer_update)
        level = vtimer.should_fire(self.machine.clock.now)
        active = await self.map_is_active(t)
        await t.step(Steps.phys_active)
        self.set_phys_active(t, VTIMER_PPI, level or active)
        if level != vtimer.irq_level:
            vtimer.irq_level = level
            await self.inject_timer(t, t.v, VTIMER, level)

    async def restore_state(self, t: Context) -> None:
        if self.machine.vgics[t.v].used:
            await self.write_lrs(t)


async def test_literal_order_with_interrupts_on_is_caught() -> None:
    world = world_of("timer-wfi", LiteralOrder, rules=frozenset({"R31"}))
    found = [v.rule async for outcome in outcomes(world, 60) for v in outcome.violations]
    assert set(found) == {"R31"}


async def test_kvms_order_is_silent_on_the_same_schedules() -> None:
    world = world_of("timer-wfi", V4_14)
    assert not [v async for outcome in outcomes(world, 60) for v in outcome.violations]
