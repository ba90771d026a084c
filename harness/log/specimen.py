"""Finds the one execution that ``run`` shows when nobody asks for a particular one.

Round-robin first, then random walks of seeds 0, 1, 2, ...: the first in which the scenario tells
its story (era ``v4.14``), or reaches every state it exists to reach. The first violation ends the
search, too.
Nothing depends on the engine or the clock, so the same command always shows the same execution.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import msgspec

from harness.contract import Strategy
from harness.engine.engines import Engine
from harness.engine.execution import Execution, Outcome
from harness.engine.schedule import Schedule
from harness.log.story import Event, Story, find_story, story_for
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from model.facts import KINDS, Fact
from model.rules.sometimes import NAMES
from model.rules.windows import EVERY

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["SEEDS_MAX", "Specimen", "run_strategy", "specimen"]

SEEDS_MAX = 2_000
"""How many random walks are tried for a story; then round-robin's execution is taken as it is."""
STATES_SEEDS_MAX = 200
"""How many are tried for the states; then the first that reached the most of them is taken."""


class Specimen(msgspec.Struct, frozen=True):
    """An execution to show: its schedule, and the seed of its random walk, if it is one."""

    schedule: Schedule
    strategy: str
    seed: int | None


def run_strategy(
    engine: Engine, spec: RunSpec, strategy: Strategy, name: str, seed: int | None
) -> Specimen:
    """Run one execution under ``strategy``."""
    world = spec.build(engine.task_class)
    found: list[Specimen] = []

    def once() -> "Generator[Execution, Outcome | None, None]":
        outcome = yield Execution(world, strategy)
        assert outcome is not None
        found.append(Specimen(spec.schedule(outcome), name, seed))

    engine.drive(once())
    return found[0]


def specimen(engine: Engine, spec: RunSpec) -> Specimen:
    """Search for the execution to show (see the module's text)."""
    world = spec.build(engine.task_class)
    story = story_for(world.scenario.name, world.kvm.era)
    wanted = 0
    for state in world.scenario.sometimes.get(world.kvm.era, ()):
        wanted |= 1 << EVERY.index(state)
    events: list[Event] = []
    listen(world, story, events)
    most = SEEDS_MAX if story is not None else STATES_SEEDS_MAX
    best = -1
    found: list[Specimen] = []

    def search() -> "Generator[Execution, Outcome | None, None]":
        nonlocal best
        for number in range(most + 1):
            seed = number - 1 if number else None
            strategy: Strategy = RoundRobin() if seed is None else RandomWalk(seed)
            name = "round-robin" if seed is None else "random"
            events.clear()
            outcome = yield Execution(world, strategy)
            assert outcome is not None
            score = worth(story, events, outcome, wanted)
            if outcome.violations or score > best:
                found.append(Specimen(spec.schedule(outcome), name, seed))
                best = score
            if outcome.violations or score == (1 if story is not None else wanted.bit_count()):
                return

    engine.drive(search())
    return found[-1]


def worth(story: Story | None, events: list[Event], outcome: Outcome, wanted: int) -> int:
    """Return how much of what shall be shown an execution has: a story is whole or not there."""
    if outcome.bound:
        return 0
    if story is not None:
        return 1 if find_story(story, events) else 0
    states = outcome.reached | outcome.windows << len(NAMES)
    return (states & wanted).bit_count()


def listen(world: "VgicWorld", story: Story | None, events: list[Event]) -> None:
    """Collect the facts that the story is told in."""
    if story is None:
        return
    clock = world.machine.clock

    def take(fact: Fact) -> None:
        events.append(Event(len(events), clock.now, fact))

    handlers: dict[type[Fact], Callable[[Any], None]] = {KINDS[k]: take for k in story.kinds}
    world.subscribe(handlers)
