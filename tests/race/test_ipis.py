"""IPIs as messages: KVM does not mind late ones; what a lost one does to a guest."""

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from model.rules.registry import GUEST
from tests.race.running import outcomes, world_of

QUEUED = (("ipis", "queued"),)


@pytest.mark.parametrize(("era", "scenario"), [(V4_14, "migrate"), (V7_2, "overflow-dir")])
async def test_late_ipis_are_clean(era: type[Kvm], scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, era, QUEUED), 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_a_kick_that_is_lost_is_a_late_interrupt_to_its_guest() -> None:
    world = world_of("smp-mix", resolve_variant("v7.2+ipi-lost"), rules=GUEST)
    for outcome in outcomes(world, 200, audited=1):
        if outcome.violations:
            assert {"L1", "I6", "R27", "G7", "L4"} & {v.rule for v in outcome.violations}
            return
    pytest.fail("it was not noticed")
