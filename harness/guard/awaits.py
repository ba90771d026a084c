"""Finds what a variant forgot to await: the coroutine never runs, and Python would only warn."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.contract import Alternative, Guard, Op
from harness.engine.direct_engine import DirectTask
from harness.guard.code import is_own, told_place
from harness.guard.faults import Fault

__all__ = ["Awaits", "hold_to_awaits"]

DEPTH = 4
"""So many callers are remembered of a coroutine: the first that is the user's is at fault."""
NEVER = "coroutine .* was never awaited"
FIRST_LINE = re.compile(r"coroutine '(.*)' was never awaited")
CALL = re.compile(r'File "(.*)", line (\d+), in (.*)')


class AwaitedTask(DirectTask):
    """A task of the direct engine whose ``step`` is a coroutine, so that Python misses an await."""

    __slots__ = ()

    async def step(  # type: ignore[override]  # any awaitable will do
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
        wakes: int = -1,
    ) -> int:
        """Announce and park; see ``contract.Task.step``."""
        return await DirectTask.step(self, op, guard, guard_reads, alt, wakes)


def hold_to_awaits(world: Any) -> None:
    """Make steps of a world that are not awaited known to Python, on either engine."""
    for slot in world.slots:
        if type(slot) is DirectTask:
            slot.__class__ = AwaitedTask


class Awaits:
    """What was not awaited while it is ``watched``. Nothing else may run in the process then.

    ``first`` is what Python says of the first; "" while there is none.
    """

    def __init__(self) -> None:
        self.first = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take in what Python warns of; other warnings are shown as ever.

        Raises:
            Fault: a coroutine was not awaited, which comes before whatever came of it.
        """
        self.first = ""
        depth = sys.get_coroutine_origin_tracking_depth()
        sys.set_coroutine_origin_tracking_depth(DEPTH)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("always", NEVER, RuntimeWarning)
                show = warnings.showwarning

                def note(message: Warning | str, *others: Any, **more: Any) -> None:
                    if FIRST_LINE.match(str(message)) is None:
                        show(message, *others, **more)
                    elif not self.first:
                        self.first = str(message)

                warnings.showwarning = note
                try:
                    yield
                except BaseException as error:
                    if not self.first:
                        raise
                    raise self.fault() from error
                self.check()
        finally:
            sys.set_coroutine_origin_tracking_depth(depth)
            if self.first:
                # It has been told; what the exception still holds would be told again.
                warnings.filterwarnings("ignore", NEVER, RuntimeWarning)

    def check(self) -> None:
        """Look whether anything was forgotten so far.

        Raises:
            Fault: it was.
        """
        if self.first:
            raise self.fault()

    def fault(self) -> Fault:
        """Return what to say of the first thing that was not awaited."""
        match = FIRST_LINE.match(self.first)
        name = match[1] if match is not None else "a coroutine"
        name = "step" if name.endswith("Task.step") else name
        # The calls that made it, the innermost last.
        calls = [(file, int(line), f) for file, line, f in CALL.findall(self.first)]
        own = [call for call in calls if is_own(call[0])] or calls
        where = told_place(own[-1] if own else None)
        return Fault(f"forgot an 'await'{where}: {name}() was called and never awaited")
