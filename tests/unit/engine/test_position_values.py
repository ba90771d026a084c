"""What a task may remember across an await, and what two of them have in common."""

from collections.abc import Callable
from contextlib import nullcontext
from enum import Enum
from functools import partial
from typing import Any

import msgspec
import pytest

from harness.engine.execution import Slot
from harness.engine.position import encode, wiring
from tests.unit.engine.photos import (
    OTHER,
    Cell,
    Main,
    SpecialWire,
    Wire,
    first,
    helper,
    holding,
    part,
    refusal,
    seen_along,
    waiting_for,
)
from tests.unit.engine.tiny import STEP

# -- what may not live across an await -------------------------------------------------------------


async def loops(task: Slot) -> None:
    for _ in range(2):
        await task.step(STEP)


async def loops_around_a_call(task: Slot) -> None:
    for _ in (1, 2):
        await helper(task)


async def keeps_an_operand(task: Slot) -> None:
    one = len(task.name)
    total = one + await task.step(STEP)
    del total


async def keeps_a_callee(task: Slot) -> None:
    print(await task.step(STEP), end="")


async def within_with(task: Slot) -> None:
    with nullcontext():
        await task.step(STEP)


async def within_except(task: Slot) -> None:
    try:
        int(task.name)
    except ValueError:
        await task.step(STEP)


@pytest.mark.parametrize(
    ("main", "found"),
    [
        (loops, "the iterator of the loop of line 2"),
        (loops_around_a_call, "the iterator of the loop of line 2"),
        (keeps_an_operand, "an operand, or a with statement"),
        (keeps_a_callee, "an operand, or a with statement"),
        (within_with, "an operand, or a with statement"),
        (within_except, "what an except or finally clause handles"),
    ],
)
def test_what_the_interpreter_keeps(main: Any, found: str) -> None:
    error = refusal(main)
    line = main.__code__.co_firstlineno
    assert error.found.replace(f"line {line + 1}", "line 2") == f"{found} is kept"
    assert (error.task, error.local) == ("a", "")
    assert main.__name__ in error.function
    assert str(error).endswith("no iterator and no undeclared local lives across an await")


async def after_a_loop(task: Slot) -> None:
    for _ in range(2):
        if task.index:
            break
    else:
        await task.step(STEP)
    await task.step(OTHER)


async def returns_from_a_loop(task: Slot) -> int:
    for i in range(2):
        if i:
            return i
    try:
        await task.step(STEP)
    finally:
        pass
    return 0


async def in_conditions(task: Slot) -> None:
    while await task.step(STEP) or await task.step(OTHER):
        pass
    x = [0]
    x[0] = await task.step(STEP)


@pytest.mark.parametrize("main", [after_a_loop, returns_from_a_loop, in_conditions])
def test_what_keeps_nothing(main: Main) -> None:
    assert hash(first(main)) == hash(first(main))


class Unknown:
    """Nobody declared it."""


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (iter([1]), "an iterator (list_iterator)"),
        ((x for x in (1,)), "an iterator (generator)"),
        (enumerate([1]), "an iterator (enumerate)"),
        ({1: 2}, "a dict, which is neither"),
        ({1}, "a set, which is neither"),
        ([1], "a list, which is neither"),
        ([Wire("a"), 1], "a list, which is neither"),
        ({}.items(), "a dict_items, which is neither"),
        (Unknown(), "a Unknown, which is neither a scalar nor declared as wiring"),
        ((1, (2, {})), "a dict, which is neither"),
        (Cell(), "a Cell that belongs to no machine"),
        ([1].append, "a list, which is neither"),
        (partial(print, {}), "a dict, which is neither"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_local_that_may_not_live(value: object, found: str) -> None:
    error = refusal(holding(value))
    assert (error.task, error.local) == ("a", "kept")
    assert error.found.startswith(found)
    assert "photos.holding.<locals>.main, line" in error.function
    assert str(error).startswith(f"a: {error.function}: kept is {found}")


def test_what_was_overwritten_is_gone() -> None:
    async def main(task: Slot) -> None:
        kept: object = {}
        kept = len(str(kept))
        await task.step(STEP)
        del kept
        await task.step(STEP)

    one, two = (each["a"] for each in seen_along("a", main))
    assert one != two


# -- values and wiring ----------------------------------------------------------------------------


class Point(msgspec.Struct, frozen=True):
    x: int
    y: object


class Mutable(msgspec.Struct):
    x: int


class Colour(Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, True),
        ("a", "b"),
        (None, 0),
        ((1, 2), (1, 3)),
        ((1,), (True,)),
        (((1,), 2), (1, (2,))),
        (Point(1, 2), Point(1, 3)),
        (Point(1, True), Point(1, 1)),
        (Colour.RED, Colour.BLUE),
        (Wire("a"), Wire("b")),
        (part(0), part(1)),
        ([part(0), part(1)], [part(1), part(0)]),
        ((), []),
        (print, len),
        (Wire("a").ready, Wire("b").ready),
        (part(0).is_set, part(1).is_set),
        (part(0).is_set, part(0).key),
        (partial(print, 1), partial(print, 2)),
        (partial(print, end="a"), partial(print, end="b")),
        (int, str),
        (loops, helper),
    ],
    ids=lambda value: type(value).__name__,
)
def test_different_values_are_different_positions(one: object, other: object) -> None:
    assert encode(one) != encode(other)
    assert first(holding(one)) != first(holding(other))


@pytest.mark.parametrize(
    "make",
    [
        lambda: (1, "a", None, 2.5, b"x", True),
        lambda: Point(1, Point(2, "x")),
        lambda: Wire("a"),
        lambda: (SpecialWire("a"), part(3)),
        lambda: [part(2), part(5)],
        lambda: Wire("a").ready,
        lambda: partial(print, Wire("a"), 1, end="x"),
        lambda: waiting_for(3),
    ],
)
def test_equal_values_are_equal_positions(make: Callable[[], object]) -> None:
    one, other = make(), make()
    assert encode(one) == encode(other)
    assert hash(encode(one)) == hash(encode(other))
    assert first(holding(one)) == first(holding(other))


def test_a_subclass_of_wiring_is_wiring_and_goes_by_the_same_name() -> None:
    assert encode(SpecialWire("a")) == encode(Wire("a")) == ("Wire", "a")


def test_a_struct_that_can_change_is_refused() -> None:
    assert refusal(holding(Mutable(1))).found.startswith("a Mutable, which is neither")


def test_what_is_declared_later_is_known_from_then_on() -> None:
    class Late:
        pass

    assert refusal(holding(Late())).found.startswith("a Late, which")
    wiring(Late)
    assert first(holding(Late())) == first(holding(Late()))
