"""What a task, a strategy or a campaign raises comes out as itself, whichever engine runs it."""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from harness.engine.execution import Execution, Limits, Slot
from harness.engine.trio_engine import TrioEngine
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


# -- cancellation of the Trio engine from outside -------------------------------------------------


def cancelled(how: Callable[[trio.CancelScope], Callable[[Slot], Any]]) -> bool:
    engine = TrioEngine()

    async def main() -> bool:
        with trio.CancelScope() as scope:
            world = TinyWorld(engine, forever, how(scope), forever, limits=Limits(10**9, 10**9))

            def campaign() -> Any:
                yield Execution(world, RandomWalk(1))
                pytest.fail("the execution was over")

            await engine.main(campaign())
        # Nobody was woken who was awake already: Trio would have said so inside a task.
        assert engine.crash is None
        return scope.cancelled_caught

    return trio.run(main)


def test_cancelled_from_within_a_step() -> None:
    def how(scope: trio.CancelScope) -> Callable[[Slot], Any]:
        async def main(task: Slot) -> None:
            await task.step(STEP)
            scope.cancel()
            await forever(task)

        return main

    assert cancelled(how)


def test_cancelled_by_a_task_that_then_returns() -> None:
    def how(scope: trio.CancelScope) -> Callable[[Slot], Any]:
        async def main(task: Slot) -> None:
            await task.step(STEP)
            scope.cancel()

        return main

    assert cancelled(how)


def test_cancelled_between_two_steps() -> None:
    """As a deadline does it: by Trio's own loop, while one actor is due to go on."""

    def how(scope: trio.CancelScope) -> Callable[[Slot], Any]:
        async def main(task: Slot) -> None:
            await task.step(STEP)
            trio.lowlevel.current_trio_token().run_sync_soon(scope.cancel)
            await forever(task)

        return main

    assert cancelled(how)
