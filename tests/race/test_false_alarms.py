"""Legal behaviour that rules once took for a fault: silent now, and a fault in its place is not."""

from pathlib import Path

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.schedule import Schedule
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.spec import RunSpec
from harness.strategies.replay import Replay
from tests.race.broken_hardware import EdgeLostWhileActive, LpiTwice, on_machine
from tests.race.mutants import NotForwarded, NotWrittenAtLoad
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
RESET, DIR, ANOTHER = (
    str(HERE / f"{name}.toml")
    for name in ("reset-edges", "dir-before-silence", "deactivates-another")
)
"""What a reset takes back (R21, R25); what KVM deactivates for a guest (R18); a write about another
interrupt (R12, R18, I2, R29)."""


@pytest.mark.parametrize("scenario", [RESET, DIR, ANOTHER])
@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_it_is_silent(scenario: str, era: type[Kvm]) -> None:
    async for outcome in outcomes(world_of(scenario, era), 48, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize(
    ("scenario", "broken", "rule"),
    [
        (RESET, on_machine(V7_2, EdgeLostWhileActive), "R21"),
        (RESET, on_machine(V7_2, LpiTwice), "R25"),
        (DIR, NotForwarded, "R18"),
        (ANOTHER, NotWrittenAtLoad, "R12"),
        (ANOTHER, NotWrittenAtLoad, "R29"),
    ],
    ids=str,
)
async def test_its_twin_with_a_fault_is_not(scenario: str, broken: type[Kvm], rule: str) -> None:
    world = world_of(scenario, broken, rules=frozenset({rule}))
    found = [v.rule async for outcome in outcomes(world, 60) for v in outcome.violations]
    assert set(found) == {rule}


def test_what_found_no_register_waits_for_one() -> None:
    """G7: an SGI that was spilled is not untold when a register is free before its sender goes on.

    The maintenance interrupt is on its way then. One schedule in 12,000 of ``overflow`` shows it.
    """
    path = Path(__file__).parent / "schedules" / "spilled-while-sent.schedule"
    schedule = Schedule.load(str(path))
    world = RunSpec.from_schedule(schedule).build(DirectEngine.task_class)
    replay = Replay(schedule.choices)
    outcome = DirectEngine().execute(Execution(world, replay))
    assert outcome is not None
    assert (outcome.violations, replay.divergence) == ([], None)
    assert outcome.steps > 157
