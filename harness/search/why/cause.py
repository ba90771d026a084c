"""Where the faulty code first does otherwise than its era, under the same choices."""

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.contract import Op
from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome, Slot
from harness.search.case import Case
from harness.search.follow import RANDOM, Follow
from harness.search.order import CALM, STAY
from harness.search.plan import Plan
from harness.search.trial import Stage
from harness.variants import resolve_variant
from harness.world import VgicWorld
from model.check.violation import Violation
from model.facts import KINDS, Fact

__all__ = ["base_of", "base_violation", "first_difference"]

DRAWS = 30
"""How many random executions of the base era are tried."""


class Seen(msgspec.Struct):
    """What was seen of a step: who made which operation, what was told, the state behind it."""

    task: str
    op: str
    facts: list[Fact] = []
    state: dict[str, object] = {}


class Watched:
    """Runs a case once, and notes what each step does."""

    def __init__(self, case: Case, variant: str) -> None:
        self.world: VgicWorld = case.world(DirectEngine.task_class, variant=variant)
        self.stage = Stage(self.world)
        self.seen: list[Seen] = []
        self.world.subscribe(dict.fromkeys(KINDS.values(), self.hear))

    def hear(self, fact: Any) -> None:
        """Note a fact of the step under way; what is told before the first one is left out."""
        if self.seen:
            self.seen[-1].facts.append(fact)

    def observe(self, slot: Slot, op: Op) -> None:
        """Begin a step: the state now is that behind the one before."""
        if self.seen:
            self.seen[-1].state = self.state()
        self.seen.append(Seen(slot.name, op.name))

    def state(self) -> dict[str, object]:
        """Return the state of the machine, part by part."""
        return {name: part.key() for name, part in self.world.machine.parts}

    def run(self, choices: Sequence[Choice]) -> list[Seen]:
        """Run, misfits left out, and return what was seen."""
        self.seen.clear()
        follow = Follow(self.stage, Plan.of(choices), CALM)
        execution = Execution(self.world, follow)
        follow.execution = execution
        execution.observer = self.observe
        outcome: Outcome | None = DirectEngine().execute(execution)
        assert outcome is not None  # it never has nothing left to try
        if self.seen:
            self.seen[-1].state = self.state()
        return self.seen


def base_of(variant: str) -> str:
    """Return the era that a variant is built on; "" if it is one itself.

    Raises:
        UsageError: there is no such variant.

    """
    era = resolve_variant(variant).era
    return "" if era == variant else era


def base_violation(case: Case, base: str, choices: Sequence[Choice]) -> Violation | None:
    """Return what the unmodified era breaks in the same scenario, if it does.

    It is run under the same choices, under both orders, and in random executions.

    Args:
        case: the scenario.
        base: the era.
        choices: those with which the case fails.

    Raises:
        UsageError: the era cannot be had.

    """
    stage = Stage.of(case, variant=base)
    same = Plan.of(choices)
    empty = Plan((), same.draws)
    trials = [stage.run(same), stage.run(empty, CALM), stage.run(empty, STAY)]
    for trial in trials:
        if trial.violation is not None:
            return trial.violation
    for seed in range(DRAWS):
        violation = stage.run(Plan(), RANDOM, seed=seed).violation
        if violation is not None:
            return violation
    return None


def first_difference(case: Case, base: str, choices: Sequence[Choice]) -> int:
    """Return the number of the first step that a case and its era do otherwise; 0: none.

    A step differs if it is another operation, if other facts are told in it, or if it leaves
    another state behind, in the parts of the machine that both have.

    Args:
        case: what fails.
        base: the era.
        choices: those with which it fails; what does not fit in the era is left out.

    Raises:
        UsageError: the era cannot be had.

    """
    faulty = Watched(case, case.variant).run(choices)
    clean = Watched(case, base).run(choices)
    for number, (a, b) in enumerate(zip(faulty, clean, strict=False), 1):
        if (a.task, a.op, a.facts) != (b.task, b.op, b.facts) or differ(a.state, b.state):
            return number
    return len(clean) + 1 if len(clean) < len(faulty) else 0


def differ(a: dict[str, object], b: dict[str, object]) -> bool:
    """Tell whether two states differ in a part that both have."""
    return any(name in b and b[name] != state for name, state in a.items())
