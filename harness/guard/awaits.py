"""Finds what a variant forgot to await: the coroutine never runs, and Python would only warn."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.contract import Alternative, Guard, Op
from harness.engine.direct_engine import DirectTask
from harness.guard.code import is_own
from harness.guard.faults import Fault
from harness.places import shown

__all__ = ["Awaits", "hold_to_awaits"]

DEPTH = 4
"""So many callers are remembered of a coroutine: the first that is the user's is at fault."""
NEVER = "coroutine .* was never awaited"


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
    """What was not awaited while it is ``watched``. Nothing else may run in the process then."""

    def __init__(self) -> None:
        self.seen: list[warnings.WarningMessage] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Take in what Python warns of; other warnings are shown in the end.

        Raises:
            Fault: a coroutine was not awaited, which comes before whatever came of it.
        """
        depth = sys.get_coroutine_origin_tracking_depth()
        sys.set_coroutine_origin_tracking_depth(DEPTH)
        try:
            with warnings.catch_warnings(record=True) as self.seen:
                warnings.filterwarnings("always", NEVER, RuntimeWarning)
                try:
                    yield
                except BaseException as error:
                    fault = self.fault()
                    if fault is None:
                        raise
                    raise fault from error
                self.check()
        finally:
            sys.set_coroutine_origin_tracking_depth(depth)
            others, self.seen = [w for w in self.seen if origin(w) is None], []
            for each in others:
                warnings.showwarning(each.message, each.category, each.filename, each.lineno)

    def check(self) -> None:
        """Look whether anything was forgotten so far.

        Raises:
            Fault: it was.
        """
        fault = self.fault()
        if fault is not None:
            raise fault

    def fault(self) -> Fault | None:
        """Return what to say of the first thing that was not awaited, if there is one."""
        for each in self.seen:
            calls = origin(each)
            if calls is None:
                continue
            name = getattr(each.source, "__qualname__", "a coroutine")
            name = "step" if name.endswith("Task.step") else name
            own = [call for call in calls if is_own(call[0])] or list(calls)
            where = f" in {own[0][2]} ({shown(Path(own[0][0]))}:{own[0][1]})" if own else ""
            return Fault(f"forgot an 'await'{where}: {name}() was called and never awaited")
        return None


def origin(warning: warnings.WarningMessage) -> tuple[tuple[str, int, str], ...] | None:
    """Return who made the coroutine that was not awaited; None if a warning is of another kind."""
    if not str(warning.message).partition("\n")[0].endswith("was never awaited"):
        return None
    calls: tuple[tuple[str, int, str], ...] = getattr(warning.source, "cr_origin", None) or ()
    return calls
