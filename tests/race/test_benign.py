"""Legal behaviour that looks like a fault, and must raise no alarm."""

from pathlib import Path

import pytest

from harness.kvm.flow import Kvm
from harness.kvm.lazy import Lazy
from harness.kvm.seed import Seed
from model import facts
from tests.race.running import outcomes, world_of

EOI_FIRST = str(Path(__file__).parent / "scenarios" / "eoi-first.toml")


@pytest.mark.parametrize("eoimode", ["0", "1"])
@pytest.mark.parametrize("era", [Seed, Lazy])
def test_completing_before_silencing_delivers_again(era: type[Kvm], eoimode: str) -> None:
    """The distributor samples the line at the deactivation, finds it high, and signals again."""
    world = world_of(EOI_FIRST, era, (("eoimode", eoimode),))
    high = 0

    def on_arrival(fact: facts.DeactivationArrived) -> None:
        nonlocal high
        high += world.scene.is_high(fact.cpu, fact.intid)

    world.subscribe({facts.DeactivationArrived: on_arrival})
    for outcome in outcomes(world, 200):
        assert (outcome.violations, outcome.bound) == ([], "")
    assert high > 100
