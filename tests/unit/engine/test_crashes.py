"""What a task, a strategy or a campaign raises comes out as itself, whichever engine runs it."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.engine.execution import Execution, Slot
from harness.strategies.random_walk import RandomWalk
from tests.unit.engine.tiny import STEP, AnyEngine, TinyWorld, run, steps


class Boom(Exception):
    """Ours, and nobody else's."""


async def forever(task: Slot) -> None:
    while True:
        await task.step(STEP)


async def at_start(task: Slot) -> None:
    raise Boom


async def in_a_step(task: Slot) -> None:
    await task.step(STEP)
    raise Boom


async def when_thrown_out(task: Slot) -> None:
    try:
        await task.step(STEP, lambda: False, 1)
    finally:
        raise Boom


async def in_its_guard(task: Slot) -> None:
    def guard() -> bool:
        raise Boom

    await task.step(STEP, guard, 1)


@pytest.mark.parametrize("executions", [1, 3])
@pytest.mark.parametrize("main", [at_start, in_a_step, when_thrown_out, in_its_guard])
def test_task_that_raises(engine: AnyEngine, main: Callable[[Slot], Any], executions: int) -> None:
    world = TinyWorld(engine, steps(2, []), main, steps(2, []))
    with pytest.raises(Boom):
        run(engine, world, *(RandomWalk(i) for i in range(executions)))


def test_interrupt_in_a_task(engine: AnyEngine) -> None:
    async def interrupted(task: Slot) -> None:
        await task.step(STEP)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(engine, TinyWorld(engine, forever, interrupted), RandomWalk(1))


class BeginRaises(RandomWalk):
    def begin(self, info: Any) -> bool:
        raise Boom


class FirstChoiceRaises(RandomWalk):
    def choose(self, enabled: Any, pending: Any, current: Any) -> Any:
        raise Boom


class ChoiceAfterAReturnRaises(RandomWalk):
    def choose(self, enabled: Any, pending: Any, current: Any) -> Any:
        if current is None:
            return enabled[0]
        raise Boom


class EndRaises(RandomWalk):
    def end(self, outcome: object) -> None:
        raise Boom


@pytest.mark.parametrize(
    "strategy", [BeginRaises, FirstChoiceRaises, ChoiceAfterAReturnRaises, EndRaises]
)
def test_strategy_that_raises(engine: AnyEngine, strategy: type[RandomWalk]) -> None:
    world = TinyWorld(engine, steps(1, []), steps(2, []), steps(2, []))
    with pytest.raises(Boom):
        run(engine, world, strategy(1))


def test_campaign_that_raises(engine: AnyEngine) -> None:
    closed: list[bool] = []

    def campaign() -> Any:
        try:
            yield Execution(TinyWorld(engine, steps(1, [])), RandomWalk(1))
            raise Boom
        finally:
            closed.append(True)

    with pytest.raises(Boom):
        engine.drive(campaign())
    assert closed == [True]


def test_campaign_is_closed_when_a_task_raises(engine: AnyEngine) -> None:
    closed: list[bool] = []

    def campaign() -> Any:
        try:
            yield Execution(TinyWorld(engine, in_a_step), RandomWalk(1))
        finally:
            closed.append(True)

    with pytest.raises(Boom):
        engine.drive(campaign())
    assert closed == [True]


def test_others_are_torn_down_when_one_raises(engine: AnyEngine) -> None:
    seen: list[str] = []

    async def parked(task: Slot) -> None:
        try:
            await task.step(STEP, lambda: False, 1)
        finally:
            seen.append(task.name)

    with pytest.raises(Boom):
        run(engine, TinyWorld(engine, parked, in_a_step, parked), RandomWalk(1))
    assert sorted(seen) == ["a", "c"]
