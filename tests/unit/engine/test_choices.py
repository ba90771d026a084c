"""Choices inside a step, and tasks that return."""

from typing import Any

import pytest

from harness.engine.choice import Draw, StepOf
from harness.engine.execution import Slot
from harness.strategies.random_walk import RandomWalk
from tests.unit.engine.tiny import STEP, AnyEngine, Script, TinyWorld, made, run, steps


def test_draws_are_recorded_in_place(engine: AnyEngine) -> None:
    got: list[int] = []

    async def drawer(task: Slot) -> None:
        got.append(task.choose("before", 4))
        await task.step(STEP)
        got.append(task.choose("in-step", 3))
        await task.step(STEP)

    (outcome,) = run(engine, TinyWorld(engine, drawer), Script("aa", draws=[3, 0]))
    assert got == [3, 0]
    assert made(outcome) == ["before:3/4", "a", "in-step:0/3", "a"]


def test_a_choice_of_one_asks_nobody(engine: AnyEngine) -> None:
    async def drawer(task: Slot) -> None:
        await task.step(STEP)
        assert task.choose("nothing", 1) == 0

    (outcome,) = run(engine, TinyWorld(engine, drawer), Script("a", draws=[]))
    assert made(outcome) == ["a"]


def test_draws_in_the_drain_are_zero_and_unrecorded(engine: AnyEngine) -> None:
    got: list[int] = []

    async def drawer(task: Slot) -> None:
        for _ in range(3):
            await task.step(STEP)
            got.append(task.choose("n", 5))

    (outcome,) = run(engine, TinyWorld(engine, drawer), Script("a", draws=[4]))
    assert got == [4, 0, 0]
    assert made(outcome) == ["a", "n:4/5"]
    assert (outcome.steps, outcome.drained_from) == (3, 1)


@pytest.mark.parametrize("number", [5, -1])
def test_a_draw_out_of_range_is_an_error(engine: AnyEngine, number: int) -> None:
    async def drawer(task: Slot) -> None:
        await task.step(STEP)
        task.choose("n", 5)

    with pytest.raises(ValueError, match=f"drew {number} for n, expected 0 to 4"):
        run(engine, TinyWorld(engine, drawer), Script("a", draws=[number]))


@pytest.mark.parametrize("name", ["two words", "", "Upper", "a:b", "-a", "a--b"])
def test_the_name_of_a_draw_is_one_word(engine: AnyEngine, name: str) -> None:
    async def drawer(task: Slot) -> None:
        await task.step(STEP)
        task.choose(name, 5)

    with pytest.raises(ValueError, match=r"the name of a draw is .*, expected one word"):
        run(engine, TinyWorld(engine, drawer), Script("a", draws=[0]))


def test_choices_are_the_same_values_in_every_execution(engine: AnyEngine) -> None:
    async def drawer(task: Slot) -> None:
        await task.step(STEP)
        task.choose("n", 5)

    world = TinyWorld(engine, drawer)
    first, second = run(engine, world, Script("a", draws=[3]), Script("a", draws=[3]))
    assert first.choices == [StepOf("a"), Draw("n", 3, 5)]
    assert all(x is y for x, y in zip(first.choices, second.choices, strict=True))


def test_a_task_that_returns_is_gone(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(1, log), steps(2, log), steps(0, log))
    strategy = Script("abb")
    run(engine, world, strategy)
    assert log == ["a", "b", "b"]
    assert strategy.offered == ["ab", "b", "b"]


def test_a_last_step_wakes_others_although_its_task_returned(engine: AnyEngine) -> None:
    from harness.contract import Op

    flag: list[bool] = []

    async def raises(task: Slot) -> None:
        await task.step(Op("raise", 0, 1))
        flag.append(True)

    async def waits(task: Slot) -> None:
        await task.step(STEP, lambda: bool(flag), 1)
        flag.append(False)

    (outcome,) = run(engine, TinyWorld(engine, raises, waits), Script("ab"))
    assert (outcome.steps, flag) == (2, [True, False])


def test_handovers_count_changes_of_task(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(3, log), steps(3, log))
    in_blocks, in_turns = run(engine, world, Script("aaabbb"), Script("ababab"))
    assert (in_blocks.handovers, in_turns.handovers) == (2, 6)


def test_a_strategy_is_asked_only_when_there_is_a_choice(engine: AnyEngine) -> None:
    asked: list[int] = []

    class Counting(RandomWalk):
        def choose(self, enabled: Any, pending: Any, current: Any) -> Any:
            asked.append(len(enabled))
            return enabled[0]

    (outcome,) = run(engine, TinyWorld(engine, steps(3, []), steps(2, [])), Counting(1))
    assert asked == [2, 2, 2]
    assert made(outcome) == list("aaabb")
