"""The Trio engine inside a Trio program of the caller's: nurseries, siblings, crashes.

``async def``, under pytest-trio: the program around the engine is the test's own.
"""

from itertools import pairwise

import pytest
import trio
from trio.lowlevel import checkpoint, currently_ki_protected

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Slot
from harness.engine.trio_engine import ALONE_MAX, TrioEngine
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from tests.unit.engine.programs import (
    Boom,
    Campaign,
    End,
    endless,
    ends_of,
    expected,
    forever,
    no_task_is_left,
    real,
)
from tests.unit.engine.tiny import STEP, TinyWorld, steps


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


async def test_ctrl_c_does_not_strike_within_a_step() -> None:
    engine = TrioEngine()
    protected: list[bool] = []

    async def main(task: Slot) -> None:
        await task.step(STEP)
        protected.append(currently_ki_protected())

    def campaign() -> Campaign:
        protected.append(currently_ki_protected())
        yield Execution(TinyWorld(engine, main), RandomWalk(1))

    await engine.run(campaign())
    assert protected == [True, True]


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
