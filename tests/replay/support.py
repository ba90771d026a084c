"""Finding executions to record, for the tests of logs and replays."""

from pathlib import Path

from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution, Outcome
from harness.engine.schedule import Schedule
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk

ROOT = Path(__file__).resolve().parents[2]
ERAS = ("v4.14", "v7.2")
SCENARIOS = ("timer-wfi", "timer-busy", "migrate")


def one(spec: RunSpec, strategy: object) -> tuple[Schedule, Outcome]:
    """Run one execution on the direct engine."""
    world = spec.build(DirectTask)
    outcome = DirectEngine().execute(Execution(world, strategy))  # type: ignore[arg-type]
    assert outcome is not None
    return spec.schedule(outcome), outcome


def random_schedule(scenario: str, variant: str, seed: int, **knobs: str) -> Schedule:
    """Return the schedule of a random walk."""
    spec = RunSpec.make(scenario, variant, knobs=knobs)
    return one(spec, RandomWalk(seed))[0]


def first_failure(scenario: str, variant: str, strategy: str, seeds: int) -> int:
    """Return the first seed whose execution breaks a rule; -1 if there is none."""
    spec = RunSpec.make(scenario, variant)
    world = spec.build(DirectTask)
    engine = DirectEngine()
    for seed in range(seeds):
        made = Pct(seed) if strategy == "pct" else RandomWalk(seed)
        outcome = engine.execute(Execution(world, made))
        if outcome is not None and outcome.violations:
            return seed
    return -1
