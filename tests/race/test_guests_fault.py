"""A guest that waits for what nobody sends is told as the guest's fault, not as KVM's deadlock."""

from pathlib import Path

import pytest

from harness.findings.lookup import find_known
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.check.violation import LOST
from tests.race.mutants_vgic import SgiIgnored
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
VAIN, FIRST = str(HERE / "waits-in-vain.toml"), str(HERE / "serves-after-waking.toml")
TOGETHER = str(HERE / "told-together.toml")
BEHIND = str(HERE / "left-behind.toml")
ERAS = pytest.mark.parametrize("era", [V4_14, V7_2])


@ERAS
async def test_nobody_sends_what_it_waits_for(era: type[Kvm]) -> None:
    async for outcome in outcomes(world_of(VAIN, era), 24):
        assert {(v.rule, v.type) for v in outcome.violations} == {("waits-in-vain", LOST)}
        assert [v.subject.vcpu for v in outcome.violations] == [0]


@ERAS
async def test_a_driver_that_serves_its_device_after_it_has_woken_who_waits(
    era: type[Kvm],
) -> None:
    found = {
        (v.rule, v.subject.vcpu)
        async for outcome in outcomes(world_of(FIRST, era), 30)
        for v in outcome.violations
        if find_known(v, FIRST, era.era, {}) is None  # 4.14: F23
    }
    assert found == {("waits-in-vain", 1)}


@ERAS
@pytest.mark.parametrize("gic_version", ["2", "3"])
async def test_what_may_have_been_told_with_another_is_not_on_its_way(
    era: type[Kvm], gic_version: str
) -> None:
    world = world_of(TOGETHER, era, (("gic_version", gic_version),))
    async for outcome in outcomes(world, 12):
        assert [(v.rule, v.subject.vcpu) for v in outcome.violations] == [("waits-in-vain", 1)]


async def test_an_sgi_that_kvm_loses_is_kvms() -> None:
    found = {
        v.rule
        async for outcome in outcomes(world_of(VAIN, SgiIgnored), 12)
        for v in outcome.violations
    }
    assert "I6" in found
    assert "waits-in-vain" not in found


@ERAS
async def test_an_spi_that_kvm_leaves_behind_is_kvms(era: type[Kvm]) -> None:
    found = {
        v.rule async for outcome in outcomes(world_of(BEHIND, era), 12) for v in outcome.violations
    }
    assert {"G9", "deadlock"} <= found
    assert "waits-in-vain" not in found
