"""(machine key, checker key, positions) is the whole state: the same key has the same future.

Random walks come to the same key in different ways, by making independent steps in another order.
From there the same choices must lead to the same facts and the same violations.
"""

from collections.abc import Sequence

import pytest

from harness.context import Context
from harness.contract import Strategy
from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome, Slot
from harness.engine.position import positions
from harness.engine.slot import SEARCH
from harness.kvm.kvm import Kvm
from harness.kvm.v7_2 import V7_2
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from harness.variants import ERAS, resolve_variant, variant_names
from harness.world import VgicWorld
from model.facts import KINDS, Fact
from tests.quality.test_museum import SHOWS
from tests.race.running import world_of

WALKS = 8
STEPS = 110
"""So many steps from the start of each walk are looked at."""
PAIRS = 3
"""So many pairs of ways to the same state are followed to their ends, in each world."""

Prefix = tuple[Choice, ...]
Future = tuple[object, ...]


def state(execution: Execution) -> object:
    """The whole state of an execution at a scheduling point."""
    world = execution.world
    assert isinstance(world, VgicWorld)
    return (world.machine.key(), world.checker.key(), positions(execution))


class Noting(Execution):
    """Notes the state at each scheduling point of the beginning, and the choices before it."""

    __slots__ = ("states",)

    def begin(self) -> bool:
        self.states: list[tuple[object, Prefix]] = []
        return super().begin()

    def pick(self, current: Slot | None) -> Slot | None:
        if self.phase == SEARCH and self.steps < STEPS:
            self.states.append((state(self), tuple(self.choices)))
        return super().pick(current)


class Cutting(Execution):
    """Counts the facts that were heard when the first ``size`` choices had been made."""

    __slots__ = ("at", "heard", "size")

    def follow(self, size: int, heard: list[Fact]) -> None:
        self.size, self.heard, self.at = size, heard, -1

    def pick(self, current: Slot | None) -> Slot | None:
        if self.at < 0 and len(self.choices) >= self.size:
            self.at = len(self.heard)
        return super().pick(current)


def run(execution: Execution) -> Outcome:
    outcome = DirectEngine().execute(execution)
    assert outcome is not None
    return outcome


def future(world: VgicWorld, prefix: Prefix, suffix: Sequence[Choice]) -> Future:
    """What happens when ``suffix`` is chosen behind ``prefix``."""
    heard: list[Fact] = []
    world.subscribe(dict.fromkeys(KINDS.values(), heard.append))
    strategy = Replay([*prefix, *suffix])
    execution = Cutting(world, strategy)
    execution.follow(len(prefix), heard)
    outcome = run(execution)
    world.subscribe({})
    assert execution.at >= 0
    seen = [(x.rule, x.alarm, x.subject, x.values, x.type) for x in outcome.violations]
    diverged = "" if strategy.divergence is None else "diverged"
    return heard[execution.at :], seen, outcome.reached, outcome.bound + diverged


def pairs(world: VgicWorld) -> list[tuple[Prefix, Prefix, Sequence[Choice]]]:
    """Two ways to the same state, and what the first walk did from there."""
    ways: dict[object, Prefix] = {}
    rest: dict[Prefix, Sequence[Choice]] = {}
    found: list[tuple[Prefix, Prefix, Sequence[Choice]]] = []
    for i in range(WALKS):
        execution = Noting(world, RandomWalk(i))
        choices = run(execution).choices
        for key, prefix in execution.states:
            other = ways.setdefault(key, prefix)
            if other != prefix and len(found) < PAIRS * WALKS:
                found.append((other, prefix, rest[other]))
            rest.setdefault(prefix, choices[len(prefix) :])
    return found[:: max(1, len(found) // PAIRS)][:PAIRS]


def differences(world: VgicWorld) -> int:
    """How many pairs of ways to the same state have different futures."""
    found = pairs(world)
    assert found, "no state was reached in two ways"
    return sum(future(world, one, rest) != future(world, other, rest) for one, other, rest in found)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("scenario", builtin_names())
def test_the_same_state_has_the_same_future(scenario: str, era: str) -> None:
    assert differences(RunSpec.make(scenario, era).build(DirectEngine.task_class)) == 0


class Remembers(V7_2):
    """Keeps a state of its own where no key sees it: who blocked last."""

    last = -1

    async def sync_vmcr(self, t: Context) -> None:
        if Remembers.last != t.v:
            await super().sync_vmcr(t)
        Remembers.last = t.v


def test_state_outside_the_key_is_found() -> None:
    assert differences(world_of("migrate", Remembers)) > 0


class Preempts:
    """Draws how many preemptions there are, and 0 for all else; makes no choice."""

    every_step = False

    def __init__(self, preemptions: int) -> None:
        self.preemptions = preemptions

    def draw(self, name: str, k: int) -> int:
        return self.preemptions if name == "preemptions" else 0

    def choose(self, enabled: Sequence[Slot], pending: object, current: object) -> Slot:
        return enabled[0]

    def begin(self, info: object) -> bool:
        return True

    def end(self, outcome: object) -> None:
        """Learn nothing."""


def first_state(preemptions: int) -> tuple[object, object, object]:
    world = RunSpec.make("migrate", "v7.2").build(DirectEngine.task_class)
    strategy: Strategy = Preempts(preemptions)  # type: ignore[assignment]
    execution = Noting(world, strategy)
    run(execution)
    return execution.states[0][0]  # type: ignore[return-value]


def test_how_often_a_task_will_act_is_part_of_its_position() -> None:
    once, twice = first_state(1), first_state(2)
    assert once[:2] == twice[:2]
    assert once[2] != twice[2]
    assert once == first_state(1)


class Positions(Execution):
    """Asks for every position at every fifth scheduling point."""

    __slots__ = ()

    def pick(self, current: Slot | None) -> Slot | None:
        if self.steps % 5 == 0:
            positions(self)
        return super().pick(current)


@pytest.mark.parametrize("variant", [name for name in variant_names() if name not in ERAS])
def test_no_patch_keeps_an_iterator_or_an_undeclared_local_across_an_await(variant: str) -> None:
    cls: type[Kvm] = resolve_variant(variant)
    world = world_of(SHOWS[variant][0], cls)
    for i in range(3):
        run(Positions(world, RandomWalk(i)))
