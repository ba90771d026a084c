"""Any VCPU may access any redistributor (GICv3): SGIs, and the PPI of the physical timer."""

from pathlib import Path

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from tests.race.running import outcomes, world_of

SCENARIO = str(Path(__file__).parent / "scenarios" / "far-private.toml")


@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_another_vcpus_redistributor(era: type[Kvm]) -> None:
    """Of the virtual timer's PPI see finding F19: KVM acts on the writer's own timer and CPU."""
    async for outcome in outcomes(world_of(SCENARIO, era), 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")
