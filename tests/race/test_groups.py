"""Guests write IGROUPR: the List Register has the group, and 4.14 ignores the write."""

from pathlib import Path

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
GROUPS, SAVED = str(HERE / "groups.toml"), str(HERE / "group-saved.toml")
ERAS = pytest.mark.parametrize("era", [V4_14, V7_2])


@ERAS
@pytest.mark.parametrize("knobs", [(), (("gic_version", "2"),)])
async def test_the_eras_are_clean(era: type[Kvm], knobs: tuple[tuple[str, str], ...]) -> None:
    scenario = SAVED if knobs else GROUPS
    async for outcome in outcomes(world_of(scenario, era, knobs), 12, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize(("era", "groups"), [(V4_14, {1}), (V7_2, {0, 1})])
def test_a_list_register_has_the_group_that_was_written(era: type[Kvm], groups: set[int]) -> None:
    world = world_of(GROUPS, era)
    seen: set[int] = set()

    def on_written(f: facts.LrWritten) -> None:
        if f.after.state:
            seen.add(f.after.group)

    world.subscribe({facts.LrWritten: on_written})
    for _ in outcomes(world, 12, audited=0):
        pass
    assert seen == groups


def test_a_saved_vm_has_its_groups_again() -> None:
    world = world_of(SAVED, V7_2)
    restored = 0
    for outcome in outcomes(world, 24, audited=0):
        assert outcome.violations == []
        saved = world.machine.monitor.saved[0].irqs
        restored += any(irq.group == 0 for irq in saved)
    assert restored
