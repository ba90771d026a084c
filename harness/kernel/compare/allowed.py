"""The stories that the model allows: all of them, by exhaustive search, or those that a search met.

The model's machine is made as the real one is: devices are of software, and there are as many List
Registers as QEMU's CPUs have.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from harness.contract import Strategy
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.kernel.compare.rule import COLLECTED, NAME
from harness.kernel.compare.seen import Story
from harness.kernel.compile import devices_of
from harness.scenarios.schema import Scenario
from harness.scenarios.specs import ForwardSpec
from harness.search.case import Case
from harness.search.explore.explore import explore
from harness.search.explore.explored import ExploreLimits
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.verdict import PROVED

__all__ = ["ERA", "Allowed", "as_it_is_there", "explored", "searched"]

ERA = "v7.2"
LRS = 4
"""Of QEMU's CPUs."""
TURN = 200
"""So many executions between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Stories of the model; ``whole``: there are no others. ``executions`` it took, or states."""

    stories: frozenset[Story]
    whole: bool
    executions: int


def as_it_is_there(scenario: Scenario) -> Scenario:
    """Return a scenario as a real guest does it."""
    forwards = tuple(
        ForwardSpec(
            kind="software", vintid=spec.vintid, vcpu=spec.vcpu, events=spec.events,
            priority=spec.priority, after=spec.after, signals=device.signals,  # type: ignore[arg-type]
            exits=device.exits,
        )
        for spec, device in zip(scenario.forward, devices_of(scenario), strict=True)
    )  # fmt: skip
    return msgspec.structs.replace(scenario, forward=forwards, lrs=LRS, sometimes={}, explore=None)


def case_of(scenario: Scenario, variant: str) -> Case:
    """Return it as a case in which nothing is checked, and stories are collected."""
    programs = scenario.vcpu
    count = scenario.vcpus or len(programs)
    vcpus = tuple(programs[v % len(programs)] for v in range(count))
    sized = msgspec.structs.replace(scenario, vcpu=vcpus, vcpus=None)
    return Case(sized, variant, rules=(NAME,))


def explored(scenario: Scenario, seconds: float, states: int) -> Allowed:
    """Return every story of a scenario, if a search of all its interleavings comes to its end.

    Args:
        scenario: as a real guest does it.
        seconds: it may take.
        states: it may look at.

    Raises:
        UsageError: it cannot be explored.
    """
    COLLECTED.clear()
    limits = ExploreLimits(seconds=seconds, states=states)
    found = explore(case_of(scenario, ERA), limits, shortest=False)
    return Allowed(frozenset(COLLECTED), found.verdict == PROVED, found.states)


def searched(
    scenario: Scenario, wanted: Collection[Story], executions: int, seconds: float,
    variant: str = ERA, seed: int = 1,
) -> Allowed:  # fmt: skip
    """Return the stories that a random walk and PCT come to, until all that are wanted are there.

    Args:
        scenario: as a real guest does it.
        wanted: what is looked for.
        executions: at most.
        seconds: at most.
        variant: of the hypervisor.
        seed: what strategies draw from.

    Raises:
        UsageError: it cannot be run.
    """
    world = case_of(scenario, variant).world(DirectEngine.task_class)
    engine = DirectEngine()
    strategies: tuple[Strategy, ...] = (RandomWalk(seed), Pct(seed, 2), Pct(seed, 3), Pct(seed, 5))
    COLLECTED.clear()
    until = time.monotonic() + seconds
    left, done = set(wanted), 0
    while left and done < executions and time.monotonic() < until:
        for n in range(done, min(done + TURN, executions)):
            engine.execute(Execution(world, strategies[n % len(strategies)]))
        done = min(done + TURN, executions)
        left -= COLLECTED
    return Allowed(frozenset(COLLECTED), False, done)
