"""Facts of whole executions, kept to be checked again, and the verdict that was reached live."""

from functools import cache

import msgspec
import pytest

from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution, Limits
from harness.kvm.kvm import Kvm
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec, load_scenario
from harness.world import VgicWorld
from model.check.checker import Checker
from model.check.setting import Setting
from model.check.violation import Violation, classify_late_or_lost
from model.facts import KINDS, Fact
from tests.race.mutant import Mutant
from tests.race.mutants import MUTANTS
from tests.race.running import strategy

ERAS = ("v4.14", "v7.2")
SCENARIOS = tuple(sorted(builtin_names()))
CLEAN = tuple(
    (scenario, era)
    for scenario in SCENARIOS
    for era in ERAS
    if not RunSpec.make(scenario, era).unclean
)
"""What is built in, and the eras that run it clean."""
OLD_IN_THE_LONG_RUN = [
    pytest.param(scenario, era, marks=[pytest.mark.long] if era == "v4.14" else [])
    for scenario, era in CLEAN
]
REST = None
"""In a list of facts: here nothing could go on, and the rules were asked what is owed."""


class Evidence(msgspec.Struct, frozen=True):
    """The facts of an execution, each with its step, and its violations."""

    setting: Setting
    era: str
    items: tuple[tuple[int, Fact | None], ...]
    violations: tuple[Violation, ...]


def of_world(world: VgicWorld, i: int) -> Evidence:
    """Run schedule ``i`` and keep what it said."""
    items: list[tuple[int, Fact | None]] = []
    execution = Execution(world, strategy(i))

    def note(fact: Fact) -> None:
        items.append((execution.steps, fact))

    ask = world.at_rest

    def at_rest() -> list[Violation]:
        items.append((execution.steps, REST))
        return ask()

    world.subscribe(dict.fromkeys(KINDS.values(), note))
    world.at_rest = at_rest  # type: ignore[method-assign]
    try:
        outcome = DirectEngine().execute(execution)
    finally:
        world.at_rest = ask  # type: ignore[method-assign]
    assert outcome is not None
    setting = Setting.of(world.config)
    return Evidence(setting, world.kvm.era, tuple(items), tuple(outcome.violations))


def world_of(scenario: str, kvm: type[Kvm] | str, knobs: tuple[tuple[str, str], ...]) -> VgicWorld:
    """A world of an era, or of a variant's class."""
    if isinstance(kvm, str):
        return RunSpec.make(scenario, kvm, knobs=dict(knobs)).build(DirectTask)
    spec = RunSpec.make(scenario, kvm.era, knobs=dict(knobs))
    loaded = load_scenario(scenario)
    return VgicWorld(
        loaded,
        spec.config(loaded),
        kvm,
        variant=kvm.era,
        task_class=DirectTask,
        limits=Limits(),
    )


@cache
def clean(scenario: str, era: str, i: int) -> Evidence:
    """The facts of a built-in scenario."""
    evidence = of_world(world_of(scenario, era, ()), i)
    assert evidence.violations == ()
    return evidence


@cache
def broken(mutant: Mutant, tries: int = 60) -> Evidence:
    """The facts of the first execution of a mutant that breaks a rule (or of the last tried)."""
    world = world_of(mutant.scenario, mutant.broken, mutant.knobs)
    evidence = of_world(world, 0)
    for i in range(1, tries):
        if evidence.violations:
            break
        evidence = of_world(world, i)
    return evidence


def mutants(every: int = 1) -> list[Mutant]:
    """Each mutant, or one of ``every`` so many."""
    return list(MUTANTS[::every])


class Judge:
    """Has a Checker hear evidence, or a part of it."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.step = 0
        checker.step = lambda: self.step

    def hear(self, items: tuple[tuple[int, Fact | None], ...]) -> list[Violation]:
        """Return the verdict: the engine's, who stops at the first violation and classifies."""
        checker = self.checker
        owed: list[list[Violation]] = []
        for self.step, fact in items:
            if fact is not REST:
                checker.emit(fact)
            else:
                owed.append(checker.at_rest())
        found = list(checker.violations)
        if len(owed) == 2 and not found:
            return classify_late_or_lost(*owed)
        return found


def judge(evidence: Evidence, checker: Checker | None = None) -> list[Violation]:
    """Check evidence by itself."""
    return Judge(checker or Checker(evidence.setting, evidence.era)).hear(evidence.items)
