"""Campaigns for a Trio program around the engine, and what must come of them."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import trio
from trio.lowlevel import current_statistics

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Limits, Outcome, Slot
from harness.engine.trio_engine import TrioEngine
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.world import VgicWorld
from tests.unit.engine.tiny import STEP, TinyWorld

Campaign = Generator[Execution, Outcome | None, None]
End = tuple[Outcome | None, object]
SEEDS = range(6)


class Boom(Exception):
    """Ours, and nobody else's."""


async def forever(task: Slot) -> None:
    while True:
        await task.step(STEP)


def endless(engine: TrioEngine, *mains: Callable[[Slot], Any]) -> TinyWorld:
    return TinyWorld(engine, *mains, limits=Limits(10**9, 10**9))


def real(engine: TrioEngine | DirectEngine) -> VgicWorld:
    return RunSpec.make("migrate", "v7.2").build(engine.task_class)


def ends_of(world: VgicWorld, ends: list[End], seeds: Any = SEEDS) -> Campaign:
    """Executions of a real world, and the outcome and the whole machine at the end of each."""
    for seed in seeds:
        outcome = yield Execution(world, RandomWalk(seed))
        ends.append((outcome, world.machine.key()))


def expected(seeds: Any = SEEDS) -> list[End]:
    ends: list[End] = []
    DirectEngine().drive(ends_of(real(DirectEngine()), ends, seeds))
    return ends


@contextmanager
def no_task_is_left() -> Iterator[None]:
    before = current_statistics().tasks_living
    yield
    assert current_statistics().tasks_living == before


def by_a_step(scope: trio.CancelScope) -> Callable[[Slot], Any]:
    async def main(task: Slot) -> None:
        await task.step(STEP)
        scope.cancel()
        await forever(task)

    return main
