"""The guests' counter is state: it may stand still while the VM is saved (knob ``counter``).

What a guest programmed in its own count is then due so much later. The eras keep to that, and who
does not is noticed.
"""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.identity import VTIMER
from model.machine import CNTVOFF_NS
from tests.race.running import outcomes, world_of

PHYSICAL = str(Path(__file__).parent / "scenarios" / "phys-save.toml")
STOPS = (("counter", "stops"),)


@pytest.mark.parametrize(("era", "scenario"), [(V4_14, "save"), (V7_2, "save"), (V7_2, PHYSICAL)])
async def test_the_eras_are_clean(era: type[Kvm], scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, era, STOPS), 24, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_a_restored_guest_counts_on_from_where_it_was_saved() -> None:
    """And is the later for it: the counter moves by as much as time has passed meanwhile."""
    world = world_of("save", V7_2, STOPS)
    shifts: list[int] = []
    world.subscribe({facts.CounterMoved: lambda f: shifts.append(f.shift)})
    moved = 0
    for _ in outcomes(world, 12, audited=0):
        offsets = [timers[VTIMER].cntvoff for timers in world.machine.timers]
        assert len(set(offsets)) == 1
        assert sum(shifts) == sum(offset - CNTVOFF_NS for offset in offsets)
        moved += bool(shifts)
        shifts.clear()
    assert moved


class KeepsItsOffset(V7_2):
    """The hardware is given the offset that the VM began with."""

    def put_on_hardware(self, t: Context) -> None:
        super().put_on_hardware(t)
        self.machine.hw_timers[t.c].cntvoff = CNTVOFF_NS


def test_an_offset_that_is_not_restored_is_noticed() -> None:
    found = {
        violation.rule
        for outcome in outcomes(world_of("save", KeepsItsOffset, STOPS), 120, audited=0)
        for violation in outcome.violations
    }
    assert "R28b" in found
    assert not [
        x for x in outcomes(world_of("save", KeepsItsOffset), 12, audited=0) if x.violations
    ]
