"""Tiny tasks, and the positions they have along a schedule."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pytest

from harness.contract import Op, RunInfo
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Slot
from harness.engine.footprint import Resources
from harness.engine.position import PositionError, position, wiring
from model.part import Part
from tests.unit.engine.tiny import STEP, AnyEngine, Script, TinyWorld, run

OTHER = Op("other", 0, 0)
Main = Callable[[Slot], Any]


class Cell(Part):
    """A number of the machine's."""

    __slots__ = FIELDS = ("value",)

    def __init__(self) -> None:
        super().__init__()
        self.value = 0

    def is_set(self) -> bool:
        return self.value != 0


class Wire:
    """Something that was there before the execution began."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ready(self) -> bool:
        return True


class SpecialWire(Wire):
    """One of them."""


wiring(Wire, lambda wire: wire.name)


Seen = list[dict[str, Hashable]]
"""The positions of all tasks at each choice, by name."""


class Photographer(Script):
    """Takes a picture at each choice."""

    def begin(self, info: RunInfo) -> bool:
        self.seen: Seen = []
        return super().begin(info)

    def choose(self, enabled: Any, pending: Any, current: Any) -> Any:
        self.seen.append({task.name: position(task) for task in pending})
        return super().choose(enabled, pending, current)


def seen_along(
    order: str, *mains: Main, engine: AnyEngine | None = None, draws: Iterable[int] = ()
) -> Seen:
    made = engine or DirectEngine()
    strategy = Photographer(order, draws)
    run(made, TinyWorld(made, *mains), strategy)
    return strategy.seen


def first(main: Main) -> Hashable:
    """The position of a task at its first step, beside one that can always go."""
    return seen_along("", main, counting(1))[0]["a"]


def refusal(main: Main) -> PositionError:
    with pytest.raises(PositionError) as error:
        first(main)
    return error.value


def counting(n: int) -> Main:
    async def main(task: Slot) -> None:
        i = 0
        while i < n:
            await task.step(STEP)
            i += 1

    return main


async def helper(task: Slot) -> None:
    await task.step(STEP)


def holding(value: object) -> Main:
    async def main(task: Slot) -> None:
        kept = value
        await task.step(STEP)
        assert kept is value

    return main


def part(i: int) -> Cell:
    cell = Cell()
    Resources([*((f"x{n}", Cell()) for n in range(i)), ("cell0", cell)], {})
    return cell


def waiting_for(n: int, cell: Cell | None = None) -> Callable[[], bool]:
    def guard() -> bool:
        return n > 0 and (cell is None or cell.value > n)

    return guard
