"""Hunts in worlds of a few lines: what fails is said by the tasks themselves."""

from collections.abc import Callable
from typing import Any

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Slot
from harness.engine.position import wiring
from harness.search.hunt import Budget, Hunt
from harness.search.same import kind_of
from harness.search.trial import Stage
from model.check.violation import Violation
from tests.unit.engine.tiny import STEP, TinyWorld

BROKEN = Violation("T", "broken")


class State(dict[str, int]):
    """What the tasks of a world share."""


class HuntWorld(TinyWorld):
    """A world whose tasks may hold it."""


wiring(State)
wiring(HuntWorld)
Act = Callable[[Slot, State], object]


def hunt(
    *tasks: list[Act | None], optional: str = "", start: Act | None = None, steps: int = 10**6
) -> Hunt:
    """Tasks a, b, ... whose steps do these things to a state; it is broken where "broken" is set.

    ``start`` is done by the first one before its first step.
    """
    state = State()

    async def some(task: Slot, acts: tuple[Act | None, ...]) -> None:
        if start is not None and task.name == "a":
            start(task, state)
        n = 0
        while n < len(acts):
            await task.step(STEP)
            act = acts[n]
            if act is not None:
                act(task, state)
            if state.get("broken"):
                world.failures.append(BROKEN)
            n += 1

    mains: list[Any] = [lambda task, acts=tuple(acts): some(task, acts) for acts in tasks]
    world = HuntWorld(DirectEngine(), *mains, optional=optional)
    world.on_reset = state.clear
    stage = Stage(world, key=lambda: tuple(sorted(state.items())))
    return Hunt(stage, kind_of(BROKEN), Budget(steps))


def put(name: str, value: int = 1) -> Act:
    """Set a value."""
    return lambda _task, state: state.__setitem__(name, value)


def breaks_if(name: str) -> Act:
    """Be broken if a value is set."""
    return lambda _task, state: state.__setitem__("broken", state.get(name, 0))
