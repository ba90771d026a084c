"""A VM that comes from elsewhere: user space programs its timers before a guest first runs."""

from pathlib import Path

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.facts import Fact
from tests.race.running import outcomes, world_of

SET = str(Path(__file__).parent / "scenarios" / "timers-set.toml")


@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_both_fire_and_every_footprint_holds(era: type[Kvm]) -> None:
    world = world_of(SET, era)
    async for outcome in outcomes(world, 12, audited=12):
        assert (outcome.violations, outcome.bound) == ([], "")
        guest = world.machine.guests[0]
        assert (guest.taken, guest.ptaken) == (1, 1)


@pytest.mark.parametrize("era", [V4_14, V7_2])
def test_they_are_on_before_the_first_entry(era: type[Kvm]) -> None:
    world = world_of(SET, era)
    heard: list[Fact] = []
    world.subscribe({facts.GuestTimer: heard.append, facts.Entered: heard.append})
    assert [outcome.violations for outcome in outcomes(world, 1, audited=0)] == [[]]
    own = [f for f in heard if getattr(f, "vcpu", -1) == 0]
    first, second, third = own[:3]
    assert isinstance(first, facts.GuestTimer)
    assert isinstance(second, facts.GuestTimer)
    assert isinstance(third, facts.Entered)
    assert second.deadline - first.deadline == 60
    assert [first.ctl, second.ctl] == [1, 1]
