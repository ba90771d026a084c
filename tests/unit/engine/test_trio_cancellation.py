"""The Trio engine is cancelled from outside, whenever that comes, and can be used again."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.lowlevel import checkpoint, current_trio_token

from harness.engine.execution import Execution, Outcome, Slot
from harness.engine.trio_engine import TrioEngine
from harness.strategies.random_walk import RandomWalk
from tests.unit.engine.programs import (
    Boom,
    Campaign,
    End,
    by_a_step,
    endless,
    ends_of,
    expected,
    forever,
    no_task_is_left,
    real,
)
from tests.unit.engine.tiny import STEP, TinyWorld, steps


@pytest.mark.parametrize("tasks", [1, 3])
async def test_a_timeout_ends_it(tasks: int, autojump_clock: trio.abc.Clock) -> None:
    engine = TrioEngine()
    world = endless(engine, *[forever] * tasks)
    closed: list[bool] = []

    def campaign() -> Campaign:
        try:
            yield Execution(world, RandomWalk(1))
            pytest.fail("the execution was over")
        finally:
            closed.append(True)

    async def let_time_pass() -> None:
        # The clock jumps when nobody runs, and here somebody always does.
        for _ in range(50):
            await checkpoint()
        autojump_clock.jump(10)  # type: ignore[attr-defined]

    with no_task_is_left():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(let_time_pass)
            with trio.move_on_after(5) as scope:
                await engine.run(campaign())
    assert scope.cancelled_caught
    assert closed == [True]


def by_a_task_that_returns(scope: trio.CancelScope) -> Callable[[Slot], Any]:
    async def main(task: Slot) -> None:
        await task.step(STEP)
        scope.cancel()

    return main


def between_two_steps(scope: trio.CancelScope) -> Callable[[Slot], Any]:
    """As a deadline does it: by Trio's own loop, while one actor is due to go on."""

    async def main(task: Slot) -> None:
        await task.step(STEP)
        current_trio_token().run_sync_soon(scope.cancel)
        await forever(task)

    return main


def before_the_first_step(scope: trio.CancelScope) -> Callable[[Slot], Any]:
    async def main(task: Slot) -> None:
        scope.cancel()
        await forever(task)

    return main


@pytest.mark.parametrize(
    "how", [by_a_step, by_a_task_that_returns, between_two_steps, before_the_first_step]
)
@pytest.mark.parametrize("alone", [True, False])
async def test_cancelled_and_run_again(how: Callable[..., Any], alone: bool) -> None:
    engine = TrioEngine()
    torn_down: list[str] = []

    async def parked(task: Slot) -> None:
        try:
            await task.step(STEP, lambda: False, 1)
        finally:
            torn_down.append(task.name)

    with no_task_is_left(), trio.CancelScope() as scope:
        others = [] if alone else [parked, forever]
        outcome = await engine.execute(
            Execution(endless(engine, how(scope), *others), RandomWalk(1))
        )
        pytest.fail(f"the execution was over: {outcome}")
    assert scope.cancelled_caught
    assert torn_down == ([] if alone or how is before_the_first_step else ["b"])

    ends: list[End] = []
    await engine.run(ends_of(real(engine), ends))
    assert ends == expected()


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 7, 20, 50, 133])
async def test_cancelled_by_a_sibling_at_any_moment(turns: int) -> None:
    """In a batch of Trio's the sibling comes before the actor, or the owner, or after it."""
    engine = TrioEngine()
    world = real(engine)
    begun: list[int] = []

    def campaign() -> Campaign:
        for seed in range(100_000):
            begun.append(seed)
            yield Execution(world, RandomWalk(seed))

    for more in range(12):
        with no_task_is_left():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.run, campaign())
                for _ in range(turns + more):
                    await checkpoint()
                nursery.cancel_scope.cancel()
    assert begun.count(0) >= 11
    ends: list[End] = []
    await engine.run(ends_of(world, ends))
    assert ends == expected()


async def step_and_wait(task: Slot) -> None:
    await task.step(STEP)
    await task.step(STEP, lambda: False, 1)


@pytest.mark.parametrize("main", [step_and_wait, steps(2, [])])
async def test_cancelled_when_the_owner_is_due(main: Callable[[Slot], Any]) -> None:
    """The execution is over, but its owner has not heard of it; the actors are told first."""
    engine = TrioEngine()
    world = TinyWorld(engine, main, main)
    over: list[bool] = []
    # Trio tosses a coin for who comes first in a batch, the sibling or the owner.
    for _ in range(40):
        over.clear()
        world.owed = lambda: over.append(True) or []  # type: ignore[func-returns-value]
        with no_task_is_left():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.run, ends_of_tiny(world))
                while not over:
                    await checkpoint()
                nursery.cancel_scope.cancel()


def ends_of_tiny(world: TinyWorld) -> Campaign:
    for seed in range(100_000):
        yield Execution(world, RandomWalk(seed))


@pytest.mark.parametrize("when", ["before", "between", "after"])
async def test_cancelled_by_the_campaign_itself(when: str) -> None:
    """The owner runs while the actors that are parked are told."""
    engine = TrioEngine()
    world = endless(engine, steps(3, []), steps(2, []))
    outcomes: list[Outcome | None] = []

    def campaign() -> Campaign:
        if when == "before":
            scope.cancel()
        outcomes.append((yield Execution(world, RandomWalk(1))))
        scope.cancel()
        if when == "between":
            outcomes.append((yield Execution(world, RandomWalk(2))))

    with no_task_is_left(), trio.CancelScope() as scope:
        await engine.run(campaign())
    assert scope.cancelled_caught
    assert len(outcomes) == (0 if when == "before" else 1)


async def test_a_cancellation_comes_out_as_one_cancelled() -> None:
    engine = TrioEngine()
    with trio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(trio.Cancelled):
            await engine.execute(Execution(endless(engine, forever, forever), RandomWalk(1)))
        await checkpoint()
    assert scope.cancelled_caught


async def test_a_shield_is_respected() -> None:
    engine = TrioEngine()
    ends: list[End] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        with trio.CancelScope(shield=True):
            await engine.run(ends_of(real(engine), ends))
    assert ends == expected()
    assert not scope.cancelled_caught


async def test_a_crash_while_being_cancelled_is_not_hidden() -> None:
    engine = TrioEngine()

    async def crashes(task: Slot) -> None:
        try:
            await task.step(STEP, lambda: False, 1)
        finally:
            raise Boom

    with pytest.raises(Boom), trio.CancelScope() as scope:
        await engine.execute(Execution(endless(engine, by_a_step(scope), crashes), RandomWalk(1)))
