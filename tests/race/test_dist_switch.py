"""GICD_CTLR off and on: what is pending meanwhile is forgotten (F29), unless it is queued again."""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"


class Queues(Hooks):
    """Switched on, it queues what is pending: the condition that mends F29."""

    async def kick_pending(self, t: Context) -> None:
        machine = self.machine
        irqs, i = (*machine.private.values(), *machine.spis.values()), 0
        while i < len(irqs):
            await self.irqs_off_point(t)
            await t.lock(irqs[i], Steps.write_enable, t.at(t.v, irqs[i]))
            t.acquired(irqs[i])
            await self.queue_irq_unlock(t, irqs[i], True)
            i += 1
        await super().kick_pending(t)


class Queues4_14(Queues, V4_14):
    """In 4.14."""


class Queues7_2(Queues, V7_2):
    """Today."""


@pytest.mark.parametrize("mended", [Queues4_14, Queues7_2])
@pytest.mark.parametrize("version", ["2", "3"])
async def test_what_is_queued_comes(mended: type[Kvm], version: str) -> None:
    knobs = (("gic_version", version),)
    async for outcome in outcomes(world_of(str(HERE / "dist-off.toml"), mended, knobs), 8):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("version", ["2", "3"])
async def test_what_is_enabled_afterwards_comes(era: type[Kvm], version: str) -> None:
    """So does Linux, which switches it off and on before it enables anything."""
    knobs = (("gic_version", version),)
    async for outcome in outcomes(world_of(str(HERE / "dist-switched.toml"), era, knobs), 8):
        assert (outcome.violations, outcome.bound) == ([], "")
