"""Executions that the tests of reports look at: made once, in memory."""

from functools import cache
from pathlib import Path

from harness.engine.choice import StepOf
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.schedule import Schedule
from harness.log.reader import Log, parse_log
from harness.log.record import remember
from harness.report.course import Course, Turn, course_of
from harness.report.page import failure_page
from harness.report.story import Story, tell
from harness.search.explanation import Explanation, Moment, Pair, Share, Symptom, Window
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from tests.race.running import strategy

FAILING = {
    "v4.14+23": ("timer-wfi", 4),
    "v4.14+1": ("migrate", 2),
    "v7.2+57": ("spi-level", 0),
    "v7.2+44": ("overflow", 46),
    "v7.2+27": ("timer-phys", 0),
    "v7.2+31": ("lpi", 15),
    "v7.2+F2": ("overflow-dir", 0),
    "v7.2+prune-recheck": ("retarget", 20),
    "v4.14+57": ("spi-level", 0),
}
"""Variants, with the scenario and the schedule that show their bug."""
STORM = "v4.14+57"


class Finding:
    """A known finding, as far as reports show one."""

    id = "F2"
    title = "a deactivation is lost"


@cache
def log_bytes(variant: str, clean: bool = False) -> bytes:
    """The log of a failing execution; ``clean``: of the same schedule number in its era."""
    scenario, i = FAILING[variant]
    spec = RunSpec.make(scenario, variant.partition("+")[0] if clean else variant)
    world = spec.build(DirectEngine.task_class)
    outcome = DirectEngine().execute(Execution(world, strategy(i)))
    assert outcome is not None
    assert bool(outcome.violations) != clean, f"{variant} does otherwise now: choose another"
    _, data = remember(spec, spec.schedule(outcome), Path("log"), engine="direct", seed=None)
    return data


@cache
def log_of(variant: str, clean: bool = False) -> Log:
    return parse_log(log_bytes(variant, clean), Path("log"))


@cache
def course(variant: str, clean: bool = False) -> Course:
    return course_of(log_of(variant, clean))


@cache
def story(variant: str) -> Story:
    return tell(course(variant))


@cache
def explained_page(variant: str) -> bytes:
    return failure_page(course(variant), explained(variant), Finding())


def moment(turn: Turn) -> Moment:
    return Moment(turn.number, turn.who.task, turn.who.actor, turn.op)


@cache
def passing(variant: str) -> Schedule:
    """A schedule of the same variant that breaks nothing, with as long a common beginning."""
    schedule = Schedule.parse(log_of(variant).header.schedule)
    spec = RunSpec.from_schedule(schedule)
    world = spec.build(DirectEngine.task_class)
    for seed in range(60):
        outcome = DirectEngine().execute(Execution(world, RandomWalk(seed)))
        assert outcome is not None
        if not outcome.violations and any(isinstance(c, StepOf) for c in outcome.choices):
            return spec.schedule(outcome)
    raise AssertionError(f"no schedule of {variant} passes: choose another")


@cache
def explained(variant: str) -> Explanation:
    """An explanation as ``why`` gives one, with steps of this execution."""
    run = course(variant)
    second = run.turns[run.end - 3]
    first = next(t for t in reversed(run.turns[: run.end - 3]) if t.who != second.who)
    assert run.violation is not None
    return Explanation(
        violation=run.violation,
        preemptive=2,
        proved=True,
        windows=(Window(moment(first), moment(run.turns[3]), None),),
        pairs=(Pair(moment(first), moment(second)),),
        passing=passing(variant).choices,
        shares=(Share(1, 3, 30), Share(second.number, 30, 30)),
        inevitable=second.number,
        cause=moment(run.turns[2]),
        symptom=Symptom(None, 40),
    )
