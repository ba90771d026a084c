"""Where a storm repeats itself: the first state of the machine to which an execution comes back."""

from contextlib import suppress
from typing import Final

from harness.contract import Op
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Slot
from harness.engine.position import PositionError, positions
from harness.search.case import Case
from harness.search.follow import DRAIN, Follow
from harness.search.plan import Plan
from harness.search.shrunk import Loop
from harness.search.trial import Stage
from model.check.violation import Violation
from model.rules.derived.progress import L2, L3

__all__ = ["find_loop"]

STORMS: Final = (L2.id, L3.id)
"""The rules that something is done again and again for nothing breaks."""


def find_loop(case: Case, plan: Plan, violation: Violation) -> Loop | None:
    """Return where the execution of a plan first comes back to a state, and goes on so.

    A state is that of the machine and where the tasks are. What rules remember is no part of it:
    they count how often it was.

    Args:
        case: what is run.
        plan: what is done, to the end.
        violation: how it fails; what is no storm has no loop. Nor has a loop been seen where a
            task of the variant remembers what no position can hold.

    """
    if violation.rule not in STORMS:
        return None
    stage = Stage.of(case)
    machine = stage.world.machine  # type: ignore[attr-defined]  # it is a case's
    follow = Follow(stage, plan, DRAIN)
    execution = Execution(stage.world, follow)
    follow.execution = execution
    seen: dict[object, int] = {}
    found: list[Loop] = []

    def look(_slot: Slot, _op: Op) -> None:
        step = execution.steps
        before = seen.setdefault((machine.key(), positions(execution)), step)
        if before != step and not found:
            found.append(Loop(before, step - before))
            execution.cut("a loop")

    execution.observer = look
    with suppress(PositionError):
        DirectEngine().execute(execution)
    return found[0] if found else None
