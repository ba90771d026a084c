"""Virtual LPIs: no active state, no EOIcount, no DIR; and EnableLPIs beside messages (F30)."""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.gic.registers import FIRST_LPI
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
VIRTUAL, OFF = str(HERE / "lpis-virtual.toml"), str(HERE / "lpis-off.toml")


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("eoimode", ["0", "1"])
async def test_the_eras_are_clean(era: type[Kvm], eoimode: str) -> None:
    world = world_of(VIRTUAL, era, (("eoimode", eoimode),))
    async for outcome in outcomes(world, 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_the_fold_drops_the_active_state_of_an_lpi_today() -> None:
    """What the guest still handles is in no List Register afterwards, and its EOIR finds none."""
    kept: dict[str, set[bool]] = {}
    for era in (V4_14, V7_2):
        folded: list[facts.Folded] = []
        world = world_of(VIRTUAL, era)
        world.subscribe({facts.Folded: folded.append})
        for _ in outcomes(world, 12, audited=0):
            pass
        kept[era.era] = {f.active for f in folded if f.vintid >= FIRST_LPI}
    assert kept == {"v4.14": {False, True}, "v7.2": {False}}


class AsksAgain(V7_2):
    """An LPI belongs nowhere while its VCPU has them disabled: what mends F30."""

    def target_oracle(self, ctx: Context, irq: VgicIrq) -> int:
        its = self.machine.its
        if its is not None and irq.is_lpi() and not its.has(irq.target):
            return -1
        return super().target_oracle(ctx, irq)


async def test_with_another_look_nothing_comes_that_is_disabled() -> None:
    async for outcome in outcomes(world_of(OFF, AsksAgain), 60, audited=0):
        assert (outcome.violations, outcome.bound) == ([], "")
