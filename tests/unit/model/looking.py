"""Strategies that look at the world before each choice, and what runs a world under one."""

from collections.abc import Sequence

from harness.contract import Abandon, Task
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from harness.world import VgicWorld


class Looking:
    """Mixed in before a strategy: ``look`` is called before it chooses."""

    def look(self) -> None:
        raise NotImplementedError

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        self.look()
        chosen: Task | Abandon = super().choose(enabled, pending, current)  # type: ignore[misc]
        return chosen


def drive(world: VgicWorld, strategy: RandomWalk | Replay) -> Outcome:
    outcome = DirectEngine().execute(Execution(world, strategy))
    assert outcome is not None
    return outcome
