"""Copies and keys of the machine in the middle of real executions, of every built-in scenario."""

import random

import pytest

from harness.engine.direct_engine import DirectTask
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from harness.world import VgicWorld
from model.machine import Machine
from tests.unit.model.histories import caches, immutable, wiring
from tests.unit.model.looking import Looking, drive

ENTRIES = [
    *((scenario, "v7.2") for scenario in builtin_names()),
    *(pytest.param(scenario, "v4.14", marks=pytest.mark.long) for scenario in builtin_names()),
]
SEEDS = (1, 2, 3)


def build(scenario: str, era: str) -> VgicWorld:
    return RunSpec.make(scenario, era).build(DirectTask)


class Watching(Looking):
    """Keeps the key of the machine at every choice, and a copy at one of them.

    All else that the parts hold must be as it was at the beginning.
    """

    machine: Machine
    copied_at: int
    keys: list[tuple[object, ...]]
    wired: list[object]
    copy: Machine | None = None

    def watch(self, machine: Machine, copied_at: int) -> None:
        self.machine, self.copied_at, self.keys = machine, copied_at, []
        self.wired = wiring(machine)

    def look(self) -> None:
        if len(self.keys) == self.copied_at:
            self.copy = self.machine.copy()
        if len(self.keys) % 4 == 0:
            assert wiring(self.machine) == self.wired, "all that changes is in the key"
        self.keys.append(self.machine.key())


class WatchedWalk(Watching, RandomWalk):
    every_step = True


class WatchedReplay(Watching, Replay):
    pass


@pytest.mark.parametrize(("scenario", "era"), ENTRIES)
def test_two_worlds_under_one_schedule_agree_at_every_step(scenario: str, era: str) -> None:
    """And a copy that was made at some step is still, at the end, the machine at that step."""
    first, second = build(scenario, era), build(scenario, era)
    passed = set()
    for seed in SEEDS:
        walk = WatchedWalk(seed)
        walk.watch(first.machine, -1)
        outcome = drive(first, walk)
        at = random.Random(f"{scenario}/{era}/{seed}").randrange(len(walk.keys))

        replay = WatchedReplay(outcome.choices)
        replay.watch(second.machine, at)
        again = drive(second, replay)
        assert replay.divergence is None
        assert (again.steps, again.choices) == (outcome.steps, outcome.choices)
        # At its end a replay is asked once more than there are choices.
        assert replay.keys[: len(walk.keys)] == walk.keys
        assert first.machine.key() == second.machine.key()

        assert replay.copy is not None
        assert replay.copy.key() == walk.keys[at]
        assert hash(replay.copy.key()) == hash(walk.keys[at])
        second.machine.restore(walk.keys[at])
        assert second.machine.key() == walk.keys[at]
        assert caches(second.machine) == caches(replay.copy)
        assert all(immutable(key) for key in walk.keys[::25])
        passed.update(walk.keys)
    assert len(passed) > 100


def test_two_worlds_that_differ_do_not_agree() -> None:
    """The comparison can fail: the same choices, but one world loses a sample of a timer's line."""
    first, second = build("timer-busy", "v7.2"), build("timer-busy", "v7.2")
    walk = WatchedWalk(1)
    walk.watch(first.machine, -1)
    outcome = drive(first, walk)
    delivered = second.machine.messages.deliver_line
    lost: list[int] = []

    def deliver_line(c: int) -> None:
        if lost or not second.machine.messages.line_differs(c):
            delivered(c)
        else:
            lost.append(c)

    second.machine.messages.deliver_line = deliver_line  # type: ignore[method-assign]
    replay = WatchedReplay(outcome.choices)
    replay.watch(second.machine, -1)
    drive(second, replay)
    assert lost
    assert replay.keys[: len(walk.keys)] != walk.keys
