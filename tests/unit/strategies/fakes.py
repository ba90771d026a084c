"""Tasks as a strategy sees them."""

from harness.contract import RunInfo, Task
from harness.engine.execution import Slot
from model.identity import Actor


async def nothing(task: Slot) -> None:
    """Never run."""


def tasks(n: int) -> tuple[Task, ...]:
    slots = tuple(Slot("abcdefgh"[i], Actor("fake", n=i), nothing) for i in range(n))
    for index, slot in enumerate(slots):
        slot.index = index
    return slots


def info(n: int, steps_max: int = 100) -> RunInfo:
    return RunInfo(tasks=tasks(n), steps_max=steps_max)
