"""Writes to ISACTIVER that are posted (Linux 464cb98f1c07): read back, and not.

The patch ``read-back`` is in the museum, whose tests find it by its first rule; here is what a
guest suffers.
"""

from pathlib import Path

import pytest

from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from model.rules.registry import GUEST
from tests.race.running import outcomes, world_of

KNOB = (("posted_writes", "1"),)
SCENARIO = str(Path(__file__).parent / "scenarios" / "ended-before-active.toml")


@pytest.mark.parametrize("scenario", ["timer-busy", "overflow-dir", "registers"])
async def test_what_is_read_back_is_clean(scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, V7_2, KNOB), 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_the_next_interrupt_of_the_timer_is_held_back() -> None:
    """Its guest was done with the first before the write arrived, and nobody ends the second."""
    world = world_of(SCENARIO, resolve_variant("v7.2+read-back"), rules=GUEST)
    for outcome in outcomes(world, 300, audited=1):
        if outcome.violations:
            assert {(v.rule, v.alarm) for v in outcome.violations} == {("G8", "held")}
            return
    pytest.fail("it was not noticed")


def test_4_14_does_not_read_back() -> None:
    world = world_of("migrate", V4_14, KNOB)
    found = {v.rule for outcome in outcomes(world, 60, audited=1) for v in outcome.violations}
    assert "R23" in found


def test_nor_does_a_gicv2() -> None:
    """Its driver has no such read today (irq-gic.c of 7.2)."""
    world = world_of("migrate", V7_2, (*KNOB, ("gic_version", "2")))
    found = {v.rule for outcome in outcomes(world, 60, audited=1) for v in outcome.violations}
    assert "R23" in found
