"""Run specifications: sizes and knobs, checked and kept."""

from pathlib import Path

import msgspec
import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.scenarios.schema import builtin_names
from harness.spec import KNOBS, RunSpec, load_scenario, parse_knobs
from harness.strategies.replay import Replay
from tests.race.running import strategy


def test_sizes_come_from_the_scenario_unless_given() -> None:
    spec = RunSpec.make("migrate", "v7.2")
    assert (spec.pcpus, spec.vcpus, spec.lrs) == (2, 2, 4)
    spec = RunSpec.make("migrate", "v7.2", pcpus=3, vcpus=4, lrs=1)
    assert (spec.pcpus, spec.vcpus, spec.lrs) == (3, 4, 1)
    config = spec.config(load_scenario("migrate"))
    assert (config.pcpus, config.vcpus, config.lrs, len(config.programs)) == (3, 4, 1, 4)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"pcpus": 0}, "impossible size: pcpus=0, expected 1 to 32"),
        ({"pcpus": 33}, "impossible size: pcpus=33, expected 1 to 32"),
        ({"vcpus": 0}, "impossible size: vcpus=0, expected 1 to 32"),
        ({"vcpus": 33}, "impossible size: vcpus=33, expected 1 to 32"),
        ({"lrs": 0}, "impossible size: lrs=0, expected 1 to 16"),
        ({"lrs": 17}, "impossible size: lrs=17, expected 1 to 16"),
        ({"pcpus": -1}, "impossible size: pcpus=-1, expected 1 to 32"),
    ],
)
def test_impossible_sizes(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunSpec.make("timer-wfi", "v4.14", **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize("scenario", builtin_names())
def test_more_vcpus_than_programs(scenario: str) -> None:
    """Programs that wait for each other are not handed out twice."""
    loaded = load_scenario(scenario)
    vcpus = max(len(loaded.vcpu), loaded.vcpus or 0) + 1
    if loaded.grows:
        world = RunSpec.make(scenario, "v7.2", vcpus=vcpus).build(DirectEngine.task_class)
        outcome = DirectEngine().execute(Execution(world, strategy(1)))
        assert outcome is not None
        assert (outcome.violations, outcome.bound) == ([], "")
        return
    with pytest.raises(UsageError, match="wait for each other, and does not grow; expected vcpus"):
        RunSpec.make(scenario, "v7.2", vcpus=vcpus)


@pytest.mark.parametrize(
    "sizes",
    [
        {"pcpus": 1, "vcpus": 1, "lrs": 1},
        {"pcpus": 8, "vcpus": 8, "lrs": 16},
        {"pcpus": 1, "vcpus": 3},
        {"pcpus": 3, "vcpus": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("variant", ["v4.14", "v7.2"])
def test_possible_sizes_run(sizes: dict[str, int], variant: str) -> None:
    spec = RunSpec.make("migrate", variant, **sizes)  # type: ignore[arg-type]
    world = spec.build(DirectEngine.task_class)
    outcome = DirectEngine().execute(Execution(world, strategy(1)))
    assert outcome is not None
    assert outcome.violations == []


def test_knobs_are_sorted_and_canonical() -> None:
    spec = RunSpec.make("timer-wfi", "v4.14", knobs={"gic_version": "2", "gic_lag": "03"})
    assert spec.knobs == (("gic_lag", "3"), ("gic_version", "2"))
    config = spec.config(load_scenario("timer-wfi"))
    assert (config.gic_lag, config.gic_version) == (3, 2)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("gic_lag", "knob 'gic_lag': expected NAME=VALUE"),
        ("gic_lagg=1", "unknown knob 'gic_lagg'; did you mean 'gic_lag'"),
        ("=1", "unknown knob ''"),
        ("gic_lag=9", "knob gic_lag='9': expected a number from 0 to 8"),
        ("gic_lag=-1", "expected a number from 0 to 8"),
        ("gic_lag=", "expected a number from 0 to 8"),
        ("gic_version=1", "expected a number from 2 to 3"),
        ("gic_version=three", "expected a number from 2 to 3"),
        ("eoimode=2", "expected a number from 0 to 1"),
        ("preemptions=9", "expected a number from 0 to 8"),
        ("steps_max=0", "expected a number from 1 to 1000000"),
        ("gic_messages=queue", "gic_messages='queue': expected one of: 'queued'"),
        ("lr_on_guest_deactivate=x", "expected one of: 'arch', 'polled', 'quirk', 'erratum'"),
    ],
)
def test_wrong_knobs(item: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_knobs([item])
    assert message in str(error.value)


def test_every_knob_changes_something() -> None:
    values = {
        "gic_version": "2",
        "gic_lag": "0",
        "gic_messages": "lagging",
        "lr_on_guest_deactivate": "polled",
        "eoimode": "1",
        "preemptions": "5",
        "steps_max": "77",
        "tdir": "0",
        "posted_writes": "1",
        "ipis": "queued",
        "counter": "stops",
        "masks": "1",
        "host": "vhe",
    }
    assert set(values) == set(KNOBS)
    plain = RunSpec.make("timer-wfi", "v7.2").build(DirectEngine.task_class)
    for name, value in values.items():
        spec = RunSpec.make("timer-wfi", "v7.2", knobs={name: value})
        world = spec.build(DirectEngine.task_class)
        same = (
            world.config == plain.config
            and world.limits == plain.limits
            and world.scenario == plain.scenario
        )
        assert not same, name


def test_the_bound_on_steps_is_the_knob() -> None:
    world = RunSpec.make("timer-busy", "v7.2", knobs={"steps_max": "30"}).build(
        DirectEngine.task_class
    )
    outcome = DirectEngine().execute(Execution(world, strategy(0)))
    assert outcome is not None
    assert (outcome.bound, outcome.drained_from) == ("steps", 30)


def test_a_scenario_file_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name="mine"\ntitle="t"\n[[vcpu]]\nprogram=["timer 5", "idle 1"]\n')
    spec = RunSpec.make(str(path), "v7.2")
    assert spec.scenario == str(path)
    outcome = DirectEngine().execute(Execution(spec.build(DirectEngine.task_class), strategy(0)))
    assert outcome is not None
    assert outcome.violations == []


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="unknown scenario 'migrat'; did you mean 'migrate'"):
        RunSpec.make("migrat", "v4.14")
    with pytest.raises(UsageError, match=r"unknown variant 'v4.1'; did you mean 'v4\.14'"):
        RunSpec.make("migrate", "v4.1")
    with pytest.raises(UsageError, match="No such file"):
        RunSpec.make("nowhere/x.toml", "v4.14")


@pytest.mark.parametrize("name", builtin_names())
def test_a_printed_schedule_is_the_whole_run(name: str) -> None:
    """Text alone brings back specification and choices, and they give the same end."""
    spec = RunSpec.make(name, "v7.2", lrs=2, knobs={"gic_lag": "2"})
    world = spec.build(DirectEngine.task_class)
    outcome = DirectEngine().execute(Execution(world, strategy(3)))
    assert outcome is not None
    schedule = Schedule.parse(str(spec.schedule(outcome)))
    again = RunSpec.from_schedule(schedule)
    assert again == spec
    replay = Replay(schedule.choices)
    other = again.build(DirectEngine.task_class)
    assert DirectEngine().execute(Execution(other, replay)) == outcome
    assert replay.divergence is None
    assert other.machine.key() == world.machine.key()


def test_a_schedule_with_a_bad_size_is_bad_input() -> None:
    schedule = Schedule.parse("v2;timer-wfi;variant=v4.14;pcpus=99,vcpus=1,lrs=4;;v0")
    with pytest.raises(UsageError, match="impossible size: pcpus=99"):
        RunSpec.from_schedule(schedule)


def test_specifications_travel() -> None:
    spec = RunSpec.make("migrate", "v7.2+1", knobs={"gic_lag": "2"})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(spec), type=RunSpec) == spec
