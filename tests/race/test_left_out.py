"""What single rules leave out on purpose: it is silent, and with a real fault they speak.

Each scenario breaks its rule when that leaves nothing out.
"""

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
from tests.race.mutants_soft import EnablesAndKeeps
from tests.race.mutants_vgic import DropsWhileQueued, LatchKept, SaysItKicks
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent
HELD, OUTSIDE, LATCHED = (
    str(HERE / f"scenarios/{name}.toml")
    for name in ("held-active", "active-outside", "enabled-and-latched")
)
CLEARS, RESET = (str(HERE / f"scenarios/{name}.toml") for name in ("clears-level", "reset-edges"))
LAGGING = (("gic_messages", "lagging"),)


@pytest.mark.parametrize(
    ("scenario", "era", "rule", "knobs"),
    [
        (HELD, V7_2, "I6", ()),  # an edge of what the guest holds active is not owed to it
        (OUTSIDE, V4_14, "I12", ()),  # what is active outside the List Registers waits for its end
        (OUTSIDE, V7_2, "I12", ()),
        (LATCHED, V7_2, "I2", ()),  # what is pending by ISPENDR keeps its physical active state
        (CLEARS, V7_2, "G3", LAGGING),  # a level's fall may be late without end
    ],
)
def test_it_is_silent(
    scenario: str, era: type[Kvm], rule: str, knobs: tuple[tuple[str, str], ...]
) -> None:
    for outcome in outcomes(world_of(scenario, era, knobs, frozenset({rule})), 8, audited=0):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize(
    ("scenario", "broken", "rule", "knobs"),
    [
        (HELD, DropsWhileQueued, "I6", ()),
        (CLEARS, LatchKept, "G3", LAGGING),
        (RESET, SaysItKicks, "G7", ()),
        ("timer-busy", EnablesAndKeeps, "I2", ()),
    ],
)
def test_its_twin_with_a_fault_is_told(
    scenario: str, broken: type[Kvm], rule: str, knobs: tuple[tuple[str, str], ...]
) -> None:
    world = world_of(scenario, broken, knobs, frozenset({rule}))
    assert any(outcome.violations for outcome in outcomes(world, 8, audited=0))


def test_what_a_reset_routes_back_is_left_to_the_next_prune() -> None:
    """G7: a reset routes a level back while it is on the ap_list of the VCPU it was routed to.

    It comes again, its VCPU is kicked and goes on; the other one has it until that prunes its list.
    """
    schedule = Schedule.load(str(HERE / "schedules/reset-while-routed.schedule"))
    replay = Replay(schedule.choices)
    world = RunSpec.from_schedule(schedule).build(DirectEngine.task_class)
    outcome = DirectEngine().execute(Execution(world, replay))
    assert outcome is not None
    assert (outcome.violations, replay.divergence) == ([], None)
