"""Looks at one schedule of a variant of the user's own, before it is recorded.

A recorder reads the machine in mid-step, which an audit would take for the variant's doing.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from harness.engine.engines import make_engine
from harness.engine.execution import Execution, Outcome
from harness.engine.schedule import Schedule
from harness.guard.code import is_variant_own
from harness.guard.inspect import Inspection
from harness.strategies.replay import Replay

if TYPE_CHECKING:
    from harness.spec import RunSpec

__all__ = ["inspect_once"]


def inspect_once(spec: "RunSpec", schedule: Schedule, engine: str) -> None:
    """Run a schedule and look closely; nothing is done where the variant is not the user's.

    Raises:
        Fault, FootprintError: the variant breaks the contract of a task.
        BaseException: what the variant raises.
    """
    if not is_variant_own(spec.variant):
        return
    driver = make_engine(engine)
    world = spec.build(driver.task_class)
    inspection = Inspection(world)
    strategy = Replay(schedule.choices)
    execution = inspection.execution(strategy, 0, Execution(world, strategy))

    def once() -> "Generator[Execution, Outcome | None, None]":
        yield execution
        inspection.check(execution)

    with inspection.looking():
        driver.drive(once())
