"""The position of a task as one value: where it is parked, and what it remembers there.

A task remembers nothing across an await but its place in the code and declared scalars; everything
else is in the machine. So (machine key, checker key, positions) is the whole state of an execution,
but for the order of the engine's drain, which goes on behind the task that made the last step.

Positions are compared and hashed within one run of the program; they are the same in every world of
one specification, on both engines.
"""

import sys
from collections.abc import Hashable, Iterator
from inspect import CORO_CLOSED, CORO_CREATED, CORO_RUNNING, getcoroutinestate
from types import CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

from harness.engine.awaits import awaits_of
from harness.engine.encoding import UndeclaredError, code_name, encode, wiring
from harness.engine.execution import Execution, Slot

__all__ = ["PositionError", "UndeclaredError", "encode", "position", "positions", "wiring"]

RULE = "no iterator and no undeclared local lives across an await"
UNBOUND = "unbound"


class PositionError(Exception):
    """A task remembers what no position can hold.

    ``task`` is its name, ``function`` where it is parked, ``local`` what it remembers: a local's
    name, "guard", "alternative", or "" for what is no local; ``found`` says what that is.
    """

    def __init__(self, task: str, function: str, local: str, found: str) -> None:
        self.task = task
        self.function = function
        self.local = local
        self.found = found
        what = f"{local} is {found}" if local else found
        super().__init__(f"{task}: {function}: {what}: {RULE}")


def positions(execution: Execution) -> tuple[Hashable, ...]:
    """Return the position of every task, in task order.

    Raises:
        PositionError: a task remembers what no position can hold.

    """
    return tuple([position(task) for task in execution.tasks])


def position(task: Slot) -> Hashable:
    """Return where ``task`` is parked, what it announced, and what it remembers.

    It may also be the task that has just announced a step and is about to choose who goes next.

    Raises:
        PositionError: it remembers what no position can hold, or it is in the middle of a step.

    """
    coroutine = task.coroutine
    if coroutine is None:
        return ("not begun",)
    state = getcoroutinestate(coroutine)
    if state == CORO_CLOSED:
        return ("returned",)
    if state == CORO_CREATED:
        return ("not begun",)
    step = type(task).step.__code__
    if state == CORO_RUNNING:
        frames = list(running_frames(task, coroutine, step))
    else:
        frames = list(parked_frames(task, coroutine, step))
    try:
        at = "guard"
        guard = None if task.guard is None else encode(task.guard)
        at = "alternative"
        alt = None if task.alt is None else (task.alt[0], encode(task.alt[1]))
    except (UndeclaredError, RecursionError) as error:
        raise PositionError(task.name, where(frames[-1]), at, str(error)) from None
    return (*[frame_key(task, f) for f in frames], task.op, guard, task.guard_reads, alt)


def parked_frames(task: Slot, coroutine: object, step: CodeType) -> Iterator[FrameType]:
    """Yield the frames of a parked task, its own first, down to the engine's step.

    Raises:
        PositionError: it awaits something that is no coroutine down to the engine's step.

    """
    awaiting = coroutine
    while True:
        frame: FrameType | None = None
        below: object = None
        if isinstance(awaiting, CoroutineType):
            frame, below = awaiting.cr_frame, awaiting.cr_await
        elif isinstance(awaiting, GeneratorType):
            frame, below = awaiting.gi_frame, awaiting.gi_yieldfrom
        if frame is None:
            found = f"awaits a {type(awaiting).__name__}, which is no step of its own"
            raise PositionError(task.name, task.name, "", found)
        if frame.f_code is step:
            return
        yield frame
        awaiting = below


def running_frames(task: Slot, coroutine: Any, step: CodeType) -> list[FrameType]:
    """Return the frames of the task that is just choosing who goes next, its own first.

    Raises:
        PositionError: it is in the middle of a step, not at its end.

    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and not (
        frame.f_code is step and frame.f_locals[step.co_varnames[0]] is task
    ):
        frame = frame.f_back
    if frame is None:
        raise PositionError(task.name, task.name, "", "it is in the middle of a step")
    frames = []
    while frame is not coroutine.cr_frame:
        frame = frame.f_back
        assert frame is not None
        frames.append(frame)
    return frames[::-1]


def frame_key(task: Slot, frame: FrameType) -> Hashable:
    """Return the place of a frame in its code, and the values of its locals.

    Raises:
        PositionError: a local has no value that tells it apart, or an iterator is kept.

    """
    code = frame.f_code
    awaits = awaits_of(code)
    at = awaits.at(frame.f_lasti)
    assert at is not None
    if at.keeps:
        raise PositionError(task.name, where(frame), "", f"{at.keeps} is kept")
    values = frame.f_locals
    found: list[Hashable] = [code_name(code, frame.f_globals["__name__"]), at.offset]
    for name in awaits.names:
        if name not in values:
            found.append(UNBOUND)
            continue
        try:
            found.append(encode(values[name]))
        except (UndeclaredError, RecursionError) as error:
            raise PositionError(task.name, where(frame), name, str(error)) from None
    return tuple(found)


def where(frame: FrameType) -> str:
    """Return the function of a frame and the line in which it is."""
    code = frame.f_code
    return f"{frame.f_globals['__name__']}.{code.co_qualname}, line {frame.f_lineno}"
