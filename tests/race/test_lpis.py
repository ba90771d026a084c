"""Virtual LPIs: no active state, no EOIcount, no DIR; and EnableLPIs beside messages (F30)."""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.gic.registers import FIRST_LPI
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
VIRTUAL, OFF = str(HERE / "lpis-virtual.toml"), str(HERE / "lpis-off.toml")
FOR_ANOTHER = str(HERE / "off-for-another.toml")
COMMANDS, MOVED = str(HERE / "its-commands.toml"), str(HERE / "its-moved.toml")


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


async def test_what_another_vcpu_flushes_may_be_in_a_list_register() -> None:
    """GICR_CTLR takes LPIs off a list; who has one in a register folds it, and it is nobody's."""
    world = world_of(FOR_ANOTHER, V7_2, rules=frozenset({"I4", "I5"}))
    async for outcome in outcomes(world, 160, audited=0):
        assert (outcome.violations, outcome.bound) == ([], "")


class InvTellsNobody(V7_2):
    """INV enables an LPI, and leaves it where it is."""

    async def update_lpi_config(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await self.irqs_off_point(t)
        await t.lock(irq, Steps.write_lpi, t.at(t.v, irq))
        t.acquired(irq)
        irq.enabled = on
        irq.written(t.v, "isenabler" if on else "icenabler")
        await self.unlock(t, irq)


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("scenario", [COMMANDS, MOVED])
async def test_commands_of_the_its_are_carried_out(era: type[Kvm], scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, era), 5, audited=1):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_an_inv_that_tells_nobody_loses_what_came_meanwhile() -> None:
    found = {
        v.rule
        for outcome in outcomes(world_of(COMMANDS, InvTellsNobody), 48, audited=0)
        for v in outcome.violations
    }
    assert found & {"R27", "I6", "L1", "G9"}


def test_an_lpi_is_acknowledged_where_it_was_moved() -> None:
    world = world_of(MOVED, V7_2)
    taken: set[int] = set()

    def on_ack(f: facts.AckedByGuest) -> None:
        if f.vintid >= FIRST_LPI:
            taken.add(world.machine.pcpus[f.pcpu].running_vcpu)

    world.subscribe({facts.AckedByGuest: on_ack})
    for _ in outcomes(world, 24, audited=0):
        pass
    assert taken == {0, 1}
