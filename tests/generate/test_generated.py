"""Random scenarios, run in both eras: nothing is said of them that is not known, or their fault."""

import pytest
from hypothesis import HealthCheck, given, settings

from harness.engine.direct_engine import DirectEngine, execute
from harness.engine.schedule import Schedule
from harness.findings.known import FINDINGS
from harness.scenarios.instructions import entries, entry_of
from harness.scenarios.schema import parse
from harness.search.hunt import Budget
from harness.search.shrink import shrink
from harness.spec import RunSpec
from harness.strategies.replay import Replay
from harness.variants import ERAS
from tests.generate.lines import MAKERS
from tests.generate.making import Made, make_numbered
from tests.generate.running import GUESTS_FAULT, run_made
from tests.generate.strategy import made_scenarios

SEED = 1
FEW, SCHEDULES = 4, 4
MANY, MORE = 80, 12
ACTIVE = ("R12", "R15", "R23", "I1")
COUNT, STEPS = 4, 10_000
"""How many are shrunk, and what each may cost."""


def test_the_generator_knows_every_instruction() -> None:
    known = {name for maker in MAKERS for name in maker.names}
    assert known == {entry.name for entry in entries()}


def test_it_uses_every_instruction_and_every_knob() -> None:
    many = [make_numbered(SEED, i) for i in range(500)]
    used = set()
    for made in many:
        for vcpu in made.scenario.vcpu:
            for text in (*vcpu.program, *(vcpu.handler or ())):
                entry = entry_of(text.split())
                assert entry is not None, text
                used.add(entry.name)
    assert used == {entry.name for entry in entries()}
    knobs = {pair for made in many for pair in made.knobs}
    for mode in ("arch", "polled", "quirk", "erratum"):
        assert ("lr_on_guest_deactivate", mode) in knobs
    assert {("gic_version", "2"), ("gic_messages", "synchronous"), ("eoimode", "1")} <= knobs
    assert {made.scenario.lrs for made in many} == {1, 2, 3, 4}
    devices = [f for made in many for f in made.scenario.forward]
    assert {f.kind for f in devices} == {"level", "edge", "lpi", "software"}
    assert {f.signals for f in devices} == {None, "level", "edge", "resample"}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(made_scenarios())
def test_what_is_drawn_can_be_run_and_written(made: Made) -> None:
    assert parse(made.toml, "a drawn scenario") == made.scenario
    for era in ERAS:
        RunSpec.make("drawn", era, knobs=dict(made.knobs), toml=made.toml)


def check(first: int, count: int, schedules: int, audited: int) -> None:
    """Run scenarios and refuse any alarm."""
    for i in range(first, first + count):
        result = run_made(make_numbered(SEED, i), schedules, SEED + i, audited=audited)
        assert result.alarms == [], result.name
        assert set(result.known) <= {*FINDINGS, GUESTS_FAULT}
        assert result.schedules == schedules * len(ERAS)


def test_a_few_raise_no_alarm() -> None:
    check(0, FEW, SCHEDULES, 1)


@pytest.mark.long
def test_many_raise_no_alarm() -> None:
    check(FEW, MANY, MORE, 1)


def find(variant: str, rules: tuple[str, ...], count: int) -> list[Schedule]:
    """Return schedules of generated scenarios that break one of these in a variant."""
    found: list[Schedule] = []
    for i in range(60):
        result = run_made(make_numbered(SEED, i), 4, i, variants=(variant,))
        for alarm in result.alarms:
            if alarm.what.partition(":")[0] in rules and len(found) < count:
                found.append(Schedule.parse(alarm.schedule))
        if len(found) == count:
            return found
    raise AssertionError("no generated scenario shows it")


def test_odd_scenarios_are_shrunk() -> None:
    """A planted fault that many scenarios show: the story ends alike, and some are shorter."""
    shorter = 0
    for schedule in find("v4.14+1", ACTIVE, COUNT):
        spec = RunSpec.from_schedule(schedule)
        outcome = execute(spec.build(DirectEngine.task_class), Replay(schedule.choices))
        budget = Budget(steps=STEPS)
        shrunk = shrink(spec, schedule, outcome.violations[0], budget, proofs=())
        assert shrunk.violation.rule == outcome.violations[0].rule
        assert len(shrunk.scenario.vcpu) <= len(spec.loaded().vcpu)
        shorter += shrunk.after.steps < shrunk.before.steps
    assert shorter
