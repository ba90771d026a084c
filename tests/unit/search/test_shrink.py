"""A whole failure is shrunk: the same bytes each time, sound, and stopped at any moment."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest

from harness.campaign.shortest import SoFar
from harness.engine.direct_engine import DirectEngine, execute
from harness.engine.execution import Execution, Outcome
from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.search.case import Case
from harness.search.hunt import Budget
from harness.search.plan import Plan
from harness.search.same import is_same
from harness.search.shrink import shrink
from harness.search.shrunk import Minimality, Shrunk
from harness.search.sound import Soundness
from harness.search.trial import Stage
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from model.check.violation import Subject, Violation


@cache
def failing(scenario: str, variant: str) -> tuple[RunSpec, Schedule, Violation]:
    spec = RunSpec.make(scenario, variant)
    world = spec.build(DirectEngine.task_class)
    for seed in range(200):
        outcome = DirectEngine().execute(Execution(world, RandomWalk(seed)))
        assert outcome is not None
        if outcome.violations:
            return spec, spec.schedule(outcome), outcome.violations[0]
    raise AssertionError("nothing found")


def again(shrunk: Shrunk) -> Outcome:
    """What an exact replay of the result gives, of its text alone."""
    schedule = Schedule.parse(str(shrunk.schedule))
    world = RunSpec.from_schedule(schedule).build(DirectEngine.task_class)
    replay = Replay(schedule.choices)
    outcome = execute(world, replay)
    assert replay.divergence is None
    return outcome


def test_the_same_result_each_time() -> None:
    spec, schedule, violation = failing("timer-busy", "v4.14+4")
    first, second = (shrink(spec, schedule, violation, Budget(30_000)) for _ in range(2))
    assert first == second
    assert first.told == first.after
    assert str(first.schedule) == str(second.schedule)
    assert again(first).violations[0] == first.violation
    assert is_same(violation, first.violation)
    assert first.after.score < first.before.score / 2
    assert len(first.scenario.vcpu[0].program) <= 2
    assert first.minimality is not None
    assert first.minimality.proved


def test_stopped_at_any_moment() -> None:
    spec, schedule, violation = failing("timer-busy", "v4.14+4")
    scores = []
    for runs in (0, 5, 40):
        budget = Budget(10**7)
        budget.stop = lambda b=budget, n=runs: b.cost.runs > n
        shrunk = shrink(spec, schedule, violation, budget)
        assert shrunk.ended == "interrupted"
        assert shrunk.minimality is None
        assert is_same(violation, again(shrunk).violations[0])
        scores.append(shrunk.after.score)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < scores[0]


def test_the_best_so_far_is_told_at_once() -> None:
    spec, schedule, violation = failing("timer-busy", "v4.14+4")
    told: list[Callable[[], Schedule | None]] = []
    shrunk = shrink(spec, schedule, violation, Budget(25_000), (), told.append)
    assert len(told) > 3
    best = told[-1]()
    assert best is not None
    assert best.choices == shrunk.schedule.choices
    middle = told[len(told) // 2]()
    assert middle is not None
    world = RunSpec.from_schedule(middle).build(DirectEngine.task_class)
    assert is_same(violation, execute(world, Replay(middle.choices)).violations[0])


def test_the_best_so_far_is_on_disk(tmp_path: Path) -> None:
    spec, schedule, _ = failing("timer-busy", "v4.14+4")
    now = [0.0]
    so_far = SoFar(tmp_path / "x.shrunk.schedule", lambda: now[0] > 3, lambda: now[0])
    file = tmp_path / "x.shrunk.so-far.schedule"
    assert not so_far.stop()
    assert not file.exists()
    so_far.better(lambda: schedule)
    assert not so_far.stop()
    assert Schedule.load(str(file)) == schedule
    shorter = spec.schedule_of(schedule.choices[:3])
    so_far.better(lambda: shorter)
    now[0] = 0.1  # too soon to write again, but it is not forgotten
    so_far.stop()
    assert Schedule.load(str(file)) == schedule
    now[0] = 1.0
    so_far.stop()
    assert Schedule.load(str(file)) == shorter
    so_far.better(lambda: None)  # what does not fail to its end is not written
    now[0] = 4.0
    assert so_far.stop()
    assert Schedule.load(str(file)) == shorter
    so_far.end()
    assert not list(tmp_path.iterdir())


def test_time_and_steps_end_it() -> None:
    spec, schedule, violation = failing("timer-busy", "v4.14+4")
    assert shrink(spec, schedule, violation, Budget(10**7, deadline=0.0)).ended == "seconds"
    ended = shrink(spec, schedule, violation, Budget(2_000), proofs=())
    assert ended.ended == "steps"
    assert ended.after.score <= ended.before.score


def test_what_does_not_fail_so_is_refused() -> None:
    spec, schedule, violation = failing("timer-busy", "v4.14+4")
    other = msgspec.structs.replace(violation, alarm="another")
    with pytest.raises(UsageError, match="does not break"):
        shrink(spec, schedule, other)
    with pytest.raises(UsageError, match="but nothing"):
        shrink(RunSpec.make("timer-busy", "v4.14"), schedule, violation)


def test_a_guest_that_is_wrong_by_itself_is_noticed() -> None:
    case = Case.of(RunSpec.make("timer-wfi", "v7.2+29"))
    sound = Soundness(case, Plan(), Budget(10**6))
    assert sound.base is None
    assert sound.holds(case, Plan())
    program = msgspec.structs.replace(case.scenario.vcpu[0], program=("await 1",))
    waits_for_nothing = case.replace(vcpu=(program,))
    assert not sound.holds(waits_for_nothing, Plan())
    wrong_from_the_start = Soundness(waits_for_nothing, Plan(), Budget(10**6))
    assert wrong_from_the_start.base is not None
    assert wrong_from_the_start.holds(waits_for_nothing, Plan())


def test_same_violations() -> None:
    a = Violation("R23", "entered", Subject(pcpu=0, vcpu=0, intid=27, vintid=27), step=3)
    b = Violation("R23", "entered", Subject(pcpu=1, vcpu=2, intid=30, vintid=30), step=9)
    assert is_same(a, b)
    for other in (
        msgspec.structs.replace(b, alarm="loaded"),
        msgspec.structs.replace(b, type="lost"),
        msgspec.structs.replace(b, subject=Subject(pcpu=1, vcpu=2, intid=50, vintid=80)),
        msgspec.structs.replace(b, subject=Subject(vcpu=2, intid=30, vintid=30)),
        None,
    ):
        assert not is_same(a, other)


def test_verdicts_in_words() -> None:
    assert "itself fails" in Minimality("calm", 2, 0, -1).text
    assert Minimality("calm", 5, 2, 1).text == (
        "no schedule with fewer than 2 departures from the calm order fails (all schedules)"
    )
    assert "could not be said" in Minimality("stay", 5, 5, 1).text
    assert "could not be said" in Minimality("stay", 5, 5, -1).text
    assert not Minimality("stay", 5, 5, 1).proved


@pytest.mark.long
def test_a_storm_is_a_way_there_and_a_loop() -> None:
    spec, schedule, violation = failing("spi-level", "v4.14+57")
    shrunk = shrink(spec, schedule, violation)
    assert (violation.rule, violation.alarm) == ("L2", "idle")
    assert shrunk.loop is not None
    assert shrunk.loop.last == shrunk.told.steps < 400
    assert shrunk.told.switches < shrunk.after.switches or shrunk.after.switches < 20
    case = Case.of(RunSpec.from_schedule(shrunk.schedule))
    trial = Stage.of(case).run(shrunk.schedule.choices, watched=True)
    ops = [(ran.task, ran.op.name) for ran in trial.steps]
    first, length = shrunk.loop.first - 1, shrunk.loop.length
    assert ops[first : first + length] == ops[first + length : first + 2 * length]
