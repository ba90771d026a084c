"""A crash or Ctrl-C comes out of either engine as it is, whenever it comes."""

import os
import signal
from collections.abc import Callable, Generator
from typing import Any

import pytest
import trio

from harness.engine.engines import make_engine
from harness.engine.execution import Execution, Outcome
from harness.engine.trio_engine import ALONE_MAX, TrioEngine
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk

ENGINES = ("direct", "trio")


def drive(engine_name: str, at: int, act: Callable[[], None]) -> int:
    """Run executions and call ``act`` at step ``at``; return how often the campaign was closed."""
    engine = make_engine(engine_name)
    world = RunSpec.make("migrate", "v7.2").build(engine.task_class)
    steps = 0
    closed: list[int] = []

    def observe(_task: Any, _op: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            act()

    def campaign() -> "Generator[Execution, Outcome | None, None]":
        try:
            for seed in range(3):
                execution = Execution(world, RandomWalk(seed))
                execution.observer = observe
                yield execution
        finally:
            closed.append(1)

    try:
        engine.drive(campaign())
    finally:
        assert closed == [1]
    return steps


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("at", [*range(1, 8), *range(60, 66), 400])
def test_ctrl_c(engine: str, at: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        drive(engine, at, lambda: os.kill(os.getpid(), signal.SIGINT))


@pytest.mark.parametrize("at", [1, 2, 60, 61, 400])
def test_ctrl_c_of_a_program_around_the_engine(at: int) -> None:
    """Trio gives Ctrl-C to the program's main task, which then cancels the engine's run."""
    engine = TrioEngine()
    world = RunSpec.make("migrate", "v7.2").build(engine.task_class)
    steps = 0
    closed: list[int] = []

    def observe(_task: Any, _op: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGINT)

    def campaign() -> "Generator[Execution, Outcome | None, None]":
        try:
            for seed in range(100_000):
                execution = Execution(world, RandomWalk(seed))
                execution.observer = observe
                yield execution
        finally:
            closed.append(1)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.run, campaign())

    with pytest.raises(BaseExceptionGroup) as error:
        trio.run(main)
    assert [type(e) for e in error.value.exceptions] == [KeyboardInterrupt]
    assert closed == [1]
    assert at <= steps <= at + ALONE_MAX


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("at", [1, 2, 60, 61, 400])
def test_a_crash(engine: str, at: int) -> None:
    def crash() -> None:
        raise LookupError("boom")

    with pytest.raises(LookupError, match="boom"):
        drive(engine, at, crash)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_of_the_campaign(engine: str) -> None:
    made = make_engine(engine)
    world = RunSpec.make("timer-wfi", "v4.14").build(made.task_class)

    def campaign() -> "Generator[Execution, Outcome | None, None]":
        yield Execution(world, RandomWalk(1))
        raise LookupError("boom")

    with pytest.raises(LookupError, match="boom"):
        made.drive(campaign())


async def test_an_outside_cancellation_discards_the_execution() -> None:
    engine = TrioEngine()
    world = RunSpec.make("migrate", "v4.14").build(engine.task_class)
    outcomes: list[Outcome | None] = []

    with trio.CancelScope() as scope:

        def observe(_task: Any, _op: Any) -> None:
            if execution.steps == 40:
                scope.cancel()

        execution = Execution(world, RandomWalk(1))
        execution.observer = observe

        def campaign() -> "Generator[Execution, Outcome | None, None]":
            outcomes.append((yield execution))

        await engine.run(campaign())
    assert scope.cancelled_caught
    assert outcomes == []
