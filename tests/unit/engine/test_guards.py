"""Guards and alternatives: when they are evaluated, and what they decide."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.contract import Op
from harness.engine.execution import Execution, Slot
from tests.unit.engine.tiny import STEP, AnyEngine, Script, TinyWorld, made, run

FLAG, OTHER = 1, 2
SET = Op("set", 0, FLAG)
ELSEWHERE = Op("elsewhere", 0, OTHER)
TAKE = Op("take", FLAG, FLAG)


class State:
    """What the tasks share: a flag, and how often a guard looked at it."""

    def __init__(self) -> None:
        self.flag = False
        self.looks = 0

    def look(self) -> bool:
        self.looks += 1
        return self.flag


def setter(state: State, script: list[tuple[Op, bool | None]]) -> Callable[[Slot], Any]:
    async def main(task: Slot) -> None:
        for op, value in script:
            await task.step(op)
            if value is not None:
                state.flag = value

    return main


def waiter(state: State) -> Callable[[Slot], Any]:
    async def main(task: Slot) -> None:
        await task.step(TAKE, state.look, FLAG)

    return main


def test_guard_is_looked_at_only_when_what_it_reads_is_written(engine: AnyEngine) -> None:
    state = State()
    script: list[tuple[Op, bool | None]] = [(ELSEWHERE, None)] * 5 + [(SET, None), (SET, True)]
    world = TinyWorld(engine, setter(state, script), waiter(state))
    looks: list[int] = []

    class Counting(Script):
        def choose(self, enabled: Any, pending: Any, current: Any) -> Any:
            looks.append(state.looks)
            return super().choose(enabled, pending, current)

    (outcome,) = run(engine, world, Counting("aaaaaaab"))
    assert made(outcome) == list("aaaaaaab")
    # Once when it is announced, once after each of the two steps that write the flag.
    assert looks == [1, 1, 1, 1, 1, 1, 2, 3]


def test_blocked_task_is_not_offered(engine: AnyEngine) -> None:
    state = State()
    flips: list[tuple[Op, bool | None]] = [(SET, True), (SET, False), (SET, True), (STEP, None)]
    world = TinyWorld(engine, setter(state, flips), waiter(state))
    strategy = Script("aaaba")
    (outcome,) = run(engine, world, strategy)
    assert strategy.offered == ["a", "ab", "a", "ab", "a"]
    assert outcome.steps == 5


def test_guard_over_a_write_that_says_nothing_is_stale(engine: AnyEngine) -> None:
    """What the footprint audit exists for: the engine trusts the announced writes."""
    state = State()
    world = TinyWorld(engine, setter(state, [(ELSEWHERE, True), (STEP, None)]), waiter(state))
    strategy = Script("aa")
    (outcome,) = run(engine, world, strategy)
    assert strategy.offered == ["a", "a"]
    assert outcome.steps == 2


def test_deadlock_is_an_end_at_rest(engine: AnyEngine) -> None:
    state = State()
    world = TinyWorld(engine, waiter(state), waiter(state))
    (outcome,) = run(engine, world, Script(""))
    assert (outcome.steps, outcome.choices, outcome.bound) == (0, [], "")


@pytest.mark.parametrize(("order", "expected"), [("ba", 0), ("ab", 1)])
def test_alternative_is_decided_when_chosen(engine: AnyEngine, order: str, expected: int) -> None:
    state = State()
    got: list[int] = []
    done: list[str] = []

    async def chooser(task: Slot) -> None:
        got.append(await task.step(STEP, alt=(TAKE, lambda: state.flag)))

    world = TinyWorld(engine, setter(state, [(SET, True)]), chooser)
    execution = Execution(world, Script(order))
    execution.observer = lambda task, op: done.append(f"{task.name}:{op.name}")

    def campaign() -> Any:
        yield execution

    engine.drive(campaign())
    assert got == [expected]
    assert f"b:{'take' if expected else 'step'}" in done


@pytest.mark.parametrize("holds", [True, False])
def test_alternative_wakes_by_its_own_writes(engine: AnyEngine, holds: bool) -> None:
    state = State()

    async def chooser(task: Slot) -> None:
        state.flag = bool(await task.step(STEP, alt=(SET, lambda: holds)))
        await task.step(STEP)

    world = TinyWorld(engine, chooser, waiter(state))
    strategy = Script("ab" if holds else "aa")
    run(engine, world, strategy)
    assert strategy.offered[:2] == (["a", "ab"] if holds else ["a", "a"])


def test_k_of_a_task_that_waits_is_its_own(engine: AnyEngine) -> None:
    """The answer is decided for the task chosen, not left over from the one before."""
    got: list[tuple[str, int]] = []

    async def yes(task: Slot) -> None:
        for _ in range(2):
            got.append((task.name, await task.step(STEP, alt=(SET, lambda: True))))

    async def no(task: Slot) -> None:
        for _ in range(2):
            got.append((task.name, await task.step(STEP)))

    run(engine, TinyWorld(engine, yes, no), Script("abab"))
    assert got == [("a", 1), ("b", 0), ("a", 1), ("b", 0)]
