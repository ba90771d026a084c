"""(machine key, checker key, positions) is the whole state: the same key has the same future.

Two neighbouring runs of steps of a random walk are exchanged. Where they were independent the walk
comes to the same key in another way, and from there the same choices must lead to the same facts
and the same violations.
"""

from collections.abc import Container, Iterator, Sequence
from itertools import islice
from typing import ClassVar

import msgspec
import pytest

from harness.catalogue.shows import SHOWS
from harness.context import Context
from harness.contract import Strategy
from harness.engine.choice import Choice, StepOf
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Slot
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
from tests.race.running import world_of
from tests.race.shown import shown

WALKS = 3
PAIRS = 8
"""So many pairs of ways to the same state are followed to their ends, in each world."""
TRIES = 60
"""So many exchanges are tried, at most, for as many pairs."""

Choices = Sequence[Choice]
Facts = list[Fact]


def state(execution: Execution) -> object:
    """The whole state of an execution at a scheduling point."""
    world = execution.world
    assert isinstance(world, VgicWorld)
    return (world.machine.key(), world.checker.key(), positions(execution))


class Noting(Execution):
    """Notes the state, and how much was heard, after each of ``at`` choices."""

    __slots__ = ("at", "heard", "states")

    def follow(self, heard: Facts, at: Container[int]) -> None:
        self.heard, self.at = heard, at
        self.states: dict[int, tuple[object, int]] = {}

    def pick(self, current: Slot | None) -> Slot | None:
        n = len(self.choices)
        if self.phase == SEARCH and n not in self.states and n in self.at:
            self.states[n] = (state(self), len(self.heard))
        return super().pick(current)


class Way(msgspec.Struct):
    """One execution: its choices, what it heard, and its states by the number of choices."""

    choices: Choices
    heard: Facts
    states: dict[int, tuple[object, int]]
    end: object
    diverged: bool = False

    def future(self, at: int) -> tuple[object, ...]:
        """What happened after ``at`` choices."""
        return self.heard[self.states[at][1] :], self.end, self.diverged


def walk(world: VgicWorld, strategy: Strategy, at: Container[int] = ()) -> Way:
    """Run the world once."""
    heard: Facts = []
    world.subscribe(dict.fromkeys(KINDS.values(), heard.append))
    execution = Noting(world, strategy)
    execution.follow(heard, at)
    outcome = DirectEngine().execute(execution)
    assert outcome is not None
    world.subscribe({})
    seen = [(x.rule, x.alarm, x.subject, x.values, x.type) for x in outcome.violations]
    diverged = isinstance(strategy, Replay) and strategy.divergence is not None
    end = (seen, outcome.reached, outcome.bound)
    return Way(outcome.choices, heard, execution.states, end, diverged)


def exchanges(choices: Choices) -> list[tuple[Choices, int]]:
    """The choices with two neighbouring runs of steps exchanged, and where the second ends.

    A run is what one task does before another goes.
    """
    starts: list[int] = []
    last: Choice | None = None
    for i, choice in enumerate(choices):
        if isinstance(choice, StepOf) and choice != last:
            starts.append(i)
            last = choice
    return [
        ([*choices[:i], *choices[j:end], *choices[i:j], *choices[end:]], end)
        for i, j, end in zip(starts, starts[1:], starts[2:], strict=False)
    ]


def pairs(world: VgicWorld) -> Iterator[tuple[Way, Way, int]]:
    """Two ways to the same state, and after how many choices both are there."""
    for seed in range(WALKS):
        tries = exchanges(walk(world, RandomWalk(seed)).choices)
        tries = tries[:: max(1, len(tries) * WALKS // TRIES)]
        first = walk(world, RandomWalk(seed), [at for _, at in tries])
        for choices, at in tries:
            other = walk(world, Replay(choices), [at])
            both = at in first.states and at in other.states
            if both and other.states[at][0] == first.states[at][0]:
                yield first, other, at


def differences(world: VgicWorld) -> int:
    """How many pairs of ways to the same state have different futures."""
    found = list(islice(pairs(world), PAIRS))
    assert len(found) >= PAIRS // 3, "hardly a state was reached in two ways"
    return sum(one.future(at) != other.future(at) for one, other, at in found)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("scenario", builtin_names())
def test_the_same_state_has_the_same_future(scenario: str, era: str) -> None:
    assert differences(RunSpec.make(scenario, era).build(DirectEngine.task_class)) == 0


class Remembers(V7_2):
    """Keeps a state of its own where no key sees it: who came to an entry last."""

    last = -1

    async def flush_lrs(self, t: Context) -> None:
        if Remembers.last != t.v:
            await super().flush_lrs(t)
        Remembers.last = t.v


def test_state_outside_the_key_is_found() -> None:
    assert differences(world_of("migrate", Remembers)) > 0


class Declares(V7_2):
    """Keeps the same where a variant should, and so in the key."""

    vm_state: ClassVar = {"last": -1}

    async def flush_lrs(self, t: Context) -> None:
        if self.own_vm.last != t.v:
            await super().flush_lrs(t)
        self.own_vm.last = t.v


def test_state_that_a_variant_declares_is_in_the_key() -> None:
    world = world_of("migrate", Declares)
    assert differences(world) == 0
    assert world.machine.own_vm.key() != -1
    world.machine.reset()
    assert world.machine.own_vm.key() == -1


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
    way = walk(world, strategy, range(9))
    return way.states[min(way.states)][0]  # type: ignore[return-value]


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


@pytest.mark.parametrize("variant", shown(x for x in variant_names() if x not in ERAS))
def test_no_patch_keeps_an_iterator_or_an_undeclared_local_across_an_await(variant: str) -> None:
    cls: type[Kvm] = resolve_variant(variant)
    scenario = SHOWS[variant][0] if variant in SHOWS else "timer-phys"  # F9: not by chance
    world = world_of(scenario, cls)
    for i in range(3):
        DirectEngine().execute(Positions(world, RandomWalk(i)))
