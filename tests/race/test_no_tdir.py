"""CPUs that cannot trap DIR alone: KVM traps all the common registers, and EL2 does most itself."""

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from tests.race.running import outcomes, world_of

KNOB = (("tdir", "0"),)


@pytest.mark.parametrize(("era", "scenario"), [(V4_14, "spi-level"), (V7_2, "overflow-dir")])
async def test_the_eras_are_clean(era: type[Kvm], scenario: str) -> None:
    """4.14 traps no DIR at all, with TDIR or without."""
    world = world_of(scenario, era, (*KNOB, ("eoimode", "1")))
    async for outcome in outcomes(world, 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_el2_carries_out_what_its_list_registers_have() -> None:
    """So fewer DIRs come to KVM than where each is trapped by TDIR while an SPI is in flight."""
    trapped = []
    for knobs in ((), KNOB):
        seen: list[facts.Fact] = []
        world = world_of("overflow-dir", V7_2, knobs)
        world.subscribe({facts.Trapped: seen.append})
        for _ in outcomes(world, 6, audited=0):
            pass
        trapped.append(len(seen))
    assert 0 < trapped[1] < trapped[0]


class NotTrapped(V7_2):
    """KVM relies on a TDIR that is not there."""

    def trap_bits(self) -> int:
        return 0


async def test_without_the_trap_a_deactivation_is_lost() -> None:
    async for outcome in outcomes(world_of("overflow-dir", NotTrapped, KNOB), 40, audited=0):
        if outcome.violations:
            assert {"I8", "L1", "G6", "deadlock"} & {v.rule for v in outcome.violations}
            return
    pytest.fail("it was not noticed")
