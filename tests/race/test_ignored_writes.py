"""A guest notices when what it writes is ignored, and what it reads is not so."""

from pathlib import Path

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.rules.guest.excuses import EXCUSES
from model.rules.registry import GUEST, RULES
from tests.race.mutant import laid_over
from tests.race.mutants_guest import (
    DISTRIBUTOR,
    OFFLINE,
    READS,
    ActiveWrittenWrong,
    ClearIgnored,
    DirActivates,
    DisableIgnored,
    EnableIgnored,
    RouteIgnored,
    SetIgnored,
)
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"


@pytest.mark.parametrize(
    ("broken", "scenario", "rule"),
    [
        (EnableIgnored, DISTRIBUTOR, "G7"),
        (DisableIgnored, DISTRIBUTOR, "G2"),
        (ClearIgnored, DISTRIBUTOR, "G1"),
        (ClearIgnored, DISTRIBUTOR, "G3"),
        (SetIgnored, DISTRIBUTOR, "G1"),
        (SetIgnored, OFFLINE, "G9"),
        (RouteIgnored, OFFLINE, "G5"),
        (ActiveWrittenWrong, DISTRIBUTOR, "G1"),
        (ActiveWrittenWrong, DISTRIBUTOR, "G4"),
    ],
    ids=str,
)
async def test_it_is_noticed(broken: type[Kvm], scenario: str, rule: str) -> None:
    world = world_of(scenario, broken, rules=frozenset({rule}))
    async for outcome in outcomes(world, 40, audited=2):
        if outcome.violations:
            assert {v.rule for v in outcome.violations} == {rule}
            return
    pytest.fail(f"{broken.__name__} was not noticed by {rule}")


@pytest.mark.parametrize("scenario", ["spi-edge", "spi-level", "overflow-dir"])
def test_an_spi_that_is_left_active_is_noticed(scenario: str) -> None:
    """A DIR that traps is carried out the wrong way round; of a level, too, whose guest is done."""
    broken = laid_over(DirActivates, V7_2)
    world = world_of(scenario, broken, (("eoimode", "1"),), frozenset({"G6"}))
    found = {v.alarm for outcome in outcomes(world, 12, audited=0) for v in outcome.violations}
    assert found == {"device"}


@pytest.mark.parametrize("scenario", [DISTRIBUTOR, OFFLINE, READS])
@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_the_eras_do_as_they_are_told(era: type[Kvm], scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, era), 24, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_each_excuse_says_why_and_where() -> None:
    for excuse in EXCUSES:
        assert set(excuse.rules) <= GUEST & set(RULES)
        assert all((excuse.what, excuse.why, excuse.source))
