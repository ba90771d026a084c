"""The Trio engine inside a Trio program of the caller's: nurseries, siblings, timeouts, crashes.

``async def``, under pytest-trio: the program around the engine is the test's own.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.lowlevel import checkpoint, current_statistics, current_trio_token

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Limits, Outcome, Slot
from harness.engine.trio_engine import ALONE_MAX, TrioEngine
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from harness.world import VgicWorld
from tests.unit.engine.tiny import STEP, TinyWorld, steps

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


async def test_in_a_nursery_of_the_callers() -> None:
    engine = TrioEngine()
    ends: list[End] = []
    with no_task_is_left():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.run, ends_of(real(engine), ends))
    assert ends == expected()


async def test_one_execution_can_be_awaited() -> None:
    engine = TrioEngine()
    world = real(engine)
    with no_task_is_left():
        for seed, end in enumerate(expected()):
            outcome = await engine.execute(Execution(world, RandomWalk(seed)))
            assert (outcome, world.machine.key()) == end


@pytest.mark.parametrize("siblings", [1, 5])
async def test_siblings_that_run_often_change_nothing(siblings: int) -> None:
    engine = TrioEngine()
    ends: list[End] = []
    turns = [0] * siblings

    async def count(i: int) -> None:
        while True:
            turns[i] += 1
            await checkpoint()

    async with trio.open_nursery() as nursery:
        for i in range(siblings):
            nursery.start_soon(count, i)
        await engine.run(ends_of(real(engine), ends))
        nursery.cancel_scope.cancel()
    assert ends == expected()
    handovers = sum(outcome.handovers for outcome, _ in ends if outcome is not None)
    assert min(turns) > handovers > 100


async def test_a_task_that_goes_on_alone_starves_nobody() -> None:
    engine = TrioEngine()
    made: list[str] = []
    turns: list[int] = []
    execution = Execution(endless(engine, steps(20 * ALONE_MAX, made)), RoundRobin())

    async def watch() -> None:
        while True:
            turns.append(len(made))
            await checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await checkpoint()
        outcome = await engine.execute(execution)
        nursery.cancel_scope.cancel()
    assert outcome is not None
    assert outcome.steps == 20 * ALONE_MAX
    # In one batch of Trio's the sibling may come first, and in the next one last.
    assert max(b - a for a, b in pairwise(turns)) <= 2 * ALONE_MAX


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


def by_a_step(scope: trio.CancelScope) -> Callable[[Slot], Any]:
    async def main(task: Slot) -> None:
        await task.step(STEP)
        scope.cancel()
        await forever(task)

    return main


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


async def test_two_engines_at_once() -> None:
    one, other = TrioEngine(), TrioEngine()
    ends: tuple[list[End], list[End]] = ([], [])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run, ends_of(real(one), ends[0]))
        nursery.start_soon(other.run, ends_of(real(other), ends[1], range(3, 9)))
    assert ends[0] == expected()
    assert ends[1] == expected(range(3, 9))


async def test_one_engine_runs_two_campaigns_at_once() -> None:
    engine = TrioEngine()
    ends: tuple[list[End], list[End]] = ([], [])
    async with trio.open_nursery() as nursery:
        for each in ends:
            nursery.start_soon(engine.run, ends_of(real(engine), each))
    assert ends[0] == ends[1] == expected()


async def test_a_world_that_is_being_run_is_refused() -> None:
    engine = TrioEngine()
    world = endless(engine, forever, forever)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(engine.execute, Execution(world, RandomWalk(1)))
        for _ in range(20):
            await checkpoint()
        with pytest.raises(RuntimeError, match="this world is being run already"):
            await TrioEngine().execute(Execution(world, RandomWalk(1)))
        await checkpoint()
        nursery.cancel_scope.cancel()
    short = TinyWorld(engine, steps(2, []))
    assert await engine.execute(Execution(short, RandomWalk(1))) is not None
    assert await TrioEngine().execute(Execution(short, RandomWalk(1))) is not None


async def test_a_world_of_the_other_engine_is_refused() -> None:
    world = TinyWorld(DirectEngine(), steps(2, []))
    with pytest.raises(TypeError, match="task a was built for another engine, not for Trio's"):
        await TrioEngine().execute(Execution(world, RandomWalk(1)))


@pytest.mark.parametrize("crash", [Boom, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("step", [0, 1, 3])
async def test_what_an_actor_raises_comes_out_as_it_is(
    crash: type[BaseException], step: int
) -> None:
    engine = TrioEngine()

    async def crashes(task: Slot) -> None:
        for _ in range(step):
            await task.step(STEP)
        raise crash("mine")

    with no_task_is_left(), pytest.raises(crash, match="mine"):
        await engine.execute(Execution(endless(engine, forever, crashes), RoundRobin()))
    # Nothing is left of it: neither the actors nor the crash.
    outcome = await engine.execute(Execution(TinyWorld(engine, steps(2, [])), RandomWalk(1)))
    assert outcome is not None
    assert outcome.steps == 2


async def test_a_crash_beside_a_sibling() -> None:
    """The caller's nursery wraps it, as it wraps everything; the sibling is cancelled by that."""
    engine = TrioEngine()
    cancelled: list[bool] = []

    async def crashes(task: Slot) -> None:
        await task.step(STEP)
        raise Boom

    async def sibling() -> None:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            cancelled.append(True)
            raise

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sibling)
            nursery.start_soon(
                engine.execute, Execution(endless(engine, forever, crashes), RandomWalk(1))
            )

    with pytest.raises(ExceptionGroup) as error:
        await both()
    assert [type(e) for e in error.value.exceptions] == [Boom]
    assert cancelled == [True]


async def test_a_crash_while_being_cancelled_is_not_hidden() -> None:
    engine = TrioEngine()

    async def crashes(task: Slot) -> None:
        try:
            await task.step(STEP, lambda: False, 1)
        finally:
            raise Boom

    with pytest.raises(Boom), trio.CancelScope() as scope:
        await engine.execute(Execution(endless(engine, by_a_step(scope), crashes), RandomWalk(1)))
