"""The machine as a value, in the middle of real executions: key, copy, restore."""

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings, strategies as st

from harness.contract import Abandon, Task
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.world import VgicWorld
from model.machine import Config, Machine
from tests.unit.model.histories import caches, immutable, wiring

FAST = settings(max_examples=40, deadline=None, derandomize=True, database=None)
WORLDS = st.sampled_from([("migrate", "v7.2"), ("migrate", "v4.14"), ("timer-busy", "v7.2")])
SEEDS = st.integers(0, 10**6)
STEPS = st.integers(0, 250)


@cache
def world_of(scenario: str, variant: str) -> VgicWorld:
    return RunSpec.make(scenario, variant).build(DirectEngine.task_class)


class Photographer(RandomWalk):
    """Takes the state of the machine at its n-th choice, or at the last one."""

    every_step = True

    def __init__(self, seed: int, machine: Machine, at: int) -> None:
        super().__init__(seed)
        self.machine = machine
        self.at = at
        self.key: tuple[object, ...] = ()
        self.copy: Machine | None = None
        self.wiring: list[object] | None = None
        self.keys: list[tuple[object, ...]] = []

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        if self.at >= 0:
            self.key = self.machine.key()
            self.keys.append(self.key)
            if self.at == 0:
                self.copy = self.machine.copy()
                self.wiring = wiring(self.machine)
            self.at -= 1
        return super().choose(enabled, pending, current)


def photograph(world: VgicWorld, seed: int, at: int) -> Photographer:
    photographer = Photographer(seed, world.machine, at)
    assert DirectEngine().execute(Execution(world, photographer)) is not None
    return photographer


@given(WORLDS, SEEDS, STEPS)
@FAST
def test_a_copy_is_equal_and_stays_behind(name: tuple[str, str], seed: int, at: int) -> None:
    world = world_of(*name)
    taken = photograph(world, seed, at)
    if taken.copy is None:
        return  # the execution was shorter
    # The original has gone on to its end since.
    assert taken.copy.key() == taken.key
    assert hash(taken.copy.key()) == hash(taken.key)
    assert taken.copy.key() != world.machine.key()


@given(WORLDS, SEEDS, STEPS)
@FAST
def test_restore_goes_back_caches_and_all(name: tuple[str, str], seed: int, at: int) -> None:
    world = world_of(*name)
    taken = photograph(world, seed, at)
    world.machine.restore(taken.key)
    assert world.machine.key() == taken.key
    for machine in filter(None, (world.machine, taken.copy)):
        kept = caches(machine)
        for _, part in machine.parts:
            part.derive()
        assert caches(machine) == kept
    world.machine.reset()
    assert world.machine.key() == Machine(world.config, lambda _fact: None).key()


@given(WORLDS, SEEDS, STEPS, st.data())
@FAST
def test_changing_a_copy_leaves_the_original(
    name: tuple[str, str], seed: int, at: int, data: st.DataObject
) -> None:
    world = world_of(*name)
    original = world.machine
    taken = photograph(world, seed, at)
    original.restore(taken.key)
    copy = original.copy()
    other = photograph(world_of(*name), seed + 1, 120).key
    original.restore(taken.key)
    index = data.draw(st.integers(0, len(copy.parts) - 1))
    copy.parts[index][1].restore(other[index])
    assert original.key() == taken.key
    assert copy.key()[index] == other[index]
    assert copy.key()[:index] == taken.key[:index]
    assert copy.key()[index + 1 :] == taken.key[index + 1 :]


@given(WORLDS, SEEDS)
@settings(FAST, max_examples=10)
def test_keys_hold_only_immutable_values(name: tuple[str, str], seed: int) -> None:
    for key in photograph(world_of(*name), seed, 10**6).keys[::10]:
        assert immutable(key)


@given(WORLDS, SEEDS, STEPS)
@FAST
def test_all_that_changes_is_in_the_key(name: tuple[str, str], seed: int, at: int) -> None:
    world = world_of(*name)
    before = wiring(world.machine)
    taken = photograph(world, seed, at)
    assert before == wiring(world.machine)
    if taken.wiring is not None:
        assert before == taken.wiring
    assert not any(hasattr(part, "__dict__") for _, part in world.machine.parts)


def test_the_same_schedule_passes_the_same_states() -> None:
    first = photograph(world_of("migrate", "v7.2"), 3, 10**6).keys
    again = photograph(world_of("migrate", "v7.2"), 3, 10**6).keys
    assert len(first) > 100
    assert first == again
    assert len(set(first)) > len(first) // 2


def test_parts_have_names_and_bits_of_their_own() -> None:
    world = world_of("migrate", "v7.2")
    names = [name for name, _ in world.machine.parts]
    parts = [id(part) for _, part in world.machine.parts]
    bits = [part.bit for _, part in world.machine.parts]
    assert len(set(names)) == len(set(parts)) == len(names)
    assert bits == [1 << i for i in range(len(names))]


def test_the_initial_state_depends_on_the_sizes_alone() -> None:
    config = Config(pcpus=2, vcpus=3, lrs=2, devices=((40, 1),))
    one, two = (Machine(config, lambda _fact: None) for _ in range(2))
    assert one.key() == two.key() == one.initial
    assert len(one.vgics[2].lrs) == 2
    assert [thread.place for thread in one.threads] == [0, 1, 0]


def test_a_key_of_another_size_is_refused() -> None:
    small = Machine(Config(), lambda _fact: None)
    large = Machine(Config(pcpus=2), lambda _fact: None)
    with pytest.raises(ValueError, match="zip"):
        large.restore(small.key())
