"""What was not settled by sampling, and is by looking at everything.

A timer that is armed again while its VCPU is preempted is finding F1: it takes 131 steps, a level
that the distributor shows late, and era v7.2. I14 with one List Register is finding F7, and no
false alarm: behind it is a storm.
"""

from pathlib import Path

import msgspec
import pytest

from harness.findings.lookup import find_known
from harness.search.case import Case
from harness.search.explore.explore import explore
from harness.spec import RunSpec
from harness.variants import ERAS
from harness.verdict import PROVED, VIOLATED
from model.rules.registry import RULES

HERE = Path(__file__).parent.parent / "scenarios"
ARMED = str(HERE / "armed-and-preempted.toml")


def armed(era: str, messages: str) -> Case:
    return Case.of(RunSpec.make(ARMED, era, knobs={"gic_messages": messages}))


@pytest.mark.long
def test_a_timer_armed_again_takes_131_steps() -> None:
    failure = explore(armed("v7.2", "queued")).failure
    assert failure is not None
    assert failure.shortest
    assert failure.steps == 131
    assert {violation.rule for violation in failure.violations} == {"R12", "R15", "R23", "I1"}
    for violation in failure.violations:
        known = find_known(violation, ARMED, "v7.2", {})
        assert known is not None
        assert known.id == "F1"


@pytest.mark.long
@pytest.mark.parametrize(
    ("era", "messages"), [("v7.2", "synchronous"), ("v4.14", "queued"), ("v4.14", "synchronous")]
)
def test_elsewhere_it_is_proved(era: str, messages: str) -> None:
    assert explore(armed(era, messages)).verdict == PROVED


def one_register(era: str, lrs: int, without: tuple[str, ...] = ()) -> Case:
    """Return two edges for a guest on one CPU."""
    case = Case.of(RunSpec.make(str(HERE / "one-register.toml"), era))
    forwards = tuple(msgspec.structs.replace(each, pcpu=0) for each in case.scenario.forward)
    rules = tuple(name for name in RULES if name not in without)
    case = msgspec.structs.replace(case, rules=rules)
    return case.replace(pcpus=1, lrs=lrs, handler=0, forward=forwards)


@pytest.mark.parametrize("era", [pytest.param("v4.14", marks=pytest.mark.long), "v7.2"])
def test_with_one_register_there_is_a_storm_behind_i14(era: str) -> None:
    failure = explore(one_register(era, 1)).failure
    assert failure is not None
    assert [violation.rule for violation in failure.violations] == ["I14"]
    late = ["I12"] * (era == "v4.14")  # F26: 4.14's own overflow
    storm = explore(one_register(era, 1, without=(*late, "I14")))
    assert storm.verdict == VIOLATED
    assert storm.failure is not None
    assert storm.failure.cycle > 10


@pytest.mark.long
@pytest.mark.parametrize("era", ERAS)
def test_with_two_there_is_none(era: str) -> None:
    assert explore(one_register(era, 2)).verdict == PROVED
