"""Runs a generated scenario in both eras, and says what came of it.

An alarm is allowed if it is a known finding's, or tells a fault of the guests themselves. Anything
else is an alarm of its own: a rule, a bound, a crash, a footprint that was wrong. One is kept of
each kind.
"""

from collections.abc import Sequence

import msgspec

from harness.contract import Strategy
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.findings.lookup import find_known
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from harness.variants import ERAS
from model.check.violation import Violation
from model.rules.registry import FAULTS
from tests.generate.making import Made

__all__ = ["GUESTS_FAULT", "Alarm", "Result", "run_made", "run_spec"]

GUESTS_FAULT = "guests' fault"
DEPTH = 3
ALARMS_MAX = 3
STEPS_MAX = "20000"
"""Several long programs on one CPU come to 5,000 steps."""


class Alarm(msgspec.Struct, frozen=True):
    """What must not be: ``what`` in short, and the schedule that shows it ("": none does)."""

    variant: str
    what: str
    text: str
    schedule: str


class Result(msgspec.Struct):
    """What a scenario came to, in all its variants.

    ``known`` counts executions by finding, or by :data:`GUESTS_FAULT`.
    """

    name: str
    schedules: int = 0
    steps: int = 0
    audited: int = 0
    known: dict[str, int] = {}
    alarms: list[Alarm] = []


def run_made(
    made: Made, schedules: int, seed: int, *, audited: int = 0, variants: Sequence[str] = ()
) -> Result:
    """Run a scenario.

    Args:
        made: which, and its knobs.
        schedules: how many in each variant; every other one is of pct.
        seed: of the schedules.
        audited: how many of them have their footprints checked.
        variants: which (none given: the eras).

    """
    result = Result(made.scenario.name)
    for variant in variants or tuple(ERAS):
        knobs = {"steps_max": STEPS_MAX, **dict(made.knobs)}
        spec = RunSpec.make(made.scenario.name, variant, knobs=knobs, toml=made.toml)
        run_spec(spec, result, schedules, seed, audited=audited)
    return result


def run_spec(spec: RunSpec, result: Result, schedules: int, seed: int, *, audited: int = 0) -> None:
    """Run so many schedules of one variant, and add what came of them to ``result``."""
    site = Site(spec, result)
    try:
        site.measure()
        for index in range(schedules):
            if not site.run(seed, index, audit=index < audited):
                break
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        result.alarms.append(Alarm(spec.variant, "crash", text, site.so_far()))


class Site:
    """A scenario in one variant, made ready to run."""

    def __init__(self, spec: RunSpec, result: Result) -> None:
        self.spec = spec
        self.result = result
        self.engine = DirectEngine()
        self.world = spec.build(DirectEngine.task_class)
        self.execution = Execution(self.world, RoundRobin())
        self.k = 1
        self.twice = spec.loaded().twice
        self.kept: set[str] = set()

    def measure(self) -> None:
        """Find how long an execution is, which pct must know (its choices are fewer)."""
        strategies: list[Strategy] = [RoundRobin(), *(RandomWalk(i) for i in range(3))]
        for strategy in strategies:
            self.k = max(self.k, self.go(strategy, audit=False).steps)

    def go(self, strategy: Strategy, *, audit: bool) -> Outcome:
        """Run one execution."""
        if audit:
            self.execution = AuditedExecution(self.world, strategy, self.world.resources)
        elif type(self.execution) is not Execution:
            self.execution = Execution(self.world, strategy)
        self.execution.strategy = strategy
        self.execution.every_step = strategy.every_step
        outcome = self.engine.execute(self.execution)
        assert outcome is not None
        return outcome

    def run(self, seed: int, index: int, *, audit: bool) -> bool:
        """Run schedule ``index``; return whether there is any use in going on."""
        result, number = self.result, seed * 1_000_003 + index
        strategy: Strategy = RandomWalk(number) if index % 2 == 0 else Pct(number, DEPTH, self.k)
        outcome = self.go(strategy, audit=audit)
        result.schedules += 1
        result.steps += outcome.steps
        result.audited += audit
        if outcome.violations:
            self.judge(outcome)
        elif outcome.bound:
            self.keep(f"bound {outcome.bound}", f"after {outcome.steps} steps", outcome)
        return len(self.kept) < ALARMS_MAX

    def judge(self, outcome: Outcome) -> None:
        """Sort a failing execution: by its first violation that is nothing known."""
        known = self.result.known
        names = [self.name(violation) for violation in outcome.violations]
        if "" not in names:
            known[names[0]] = known.get(names[0], 0) + 1
            return
        violation = outcome.violations[names.index("")]
        what = f"{violation.rule}:{violation.alarm}"
        others = {v.rule for v in outcome.violations} - {violation.rule}
        self.keep(what, f"{violation.text} {sorted(others) or ''}", outcome)

    def name(self, violation: Violation) -> str:
        """Say what a violation is, if it is allowed."""
        vintid = violation.subject.vintid
        told = violation.text.removeprefix("LOST: ").startswith("guest: ")
        if told or violation.rule in FAULTS or vintid == self.twice >= 0:
            return GUESTS_FAULT
        spec = self.spec
        known = find_known(
            violation, spec.scenario, spec.variant, spec.knobs, lrs=spec.lrs, toml=spec.toml
        )
        return "" if known is None else known.id

    def keep(self, what: str, text: str, outcome: Outcome) -> None:
        """Keep the first alarm of each kind."""
        if what not in self.kept:
            self.kept.add(what)
            schedule = str(self.spec.schedule(outcome))
            self.result.alarms.append(Alarm(self.spec.variant, what, text, schedule))

    def so_far(self) -> str:
        """Return the schedule of the execution that was cut short."""
        return str(self.spec.schedule_of(getattr(self.execution, "choices", ())))
