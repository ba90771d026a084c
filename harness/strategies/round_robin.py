"""``round-robin``: each enabled task in turn, one step each; draws take the first alternative.

Deterministic and fair. It finds little, but it is the schedule to look at first, and the one in
which optional stimuli never come.
"""

from collections.abc import Sequence

from harness.contract import Abandon, RunInfo, Task
from harness.engine.outcome import Outcome

__all__ = ["RoundRobin"]


class RoundRobin:
    """Tasks in turn, ``quantum`` steps each (1 or more)."""

    every_step = False

    def __init__(self, quantum: int = 1) -> None:
        self.quantum = quantum
        self.used = 0

    def begin(self, info: RunInfo) -> bool:
        """Start an execution."""
        self.used = 0
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Pick the next enabled task after the current one."""
        after = -1 if current is None else current.index
        self.used += 1
        if self.used < self.quantum and current in enabled:
            return enabled[enabled.index(current)]
        self.used = 0
        for task in enabled:
            if task.index > after:
                return task
        return enabled[0]

    def draw(self, name: str, k: int) -> int:
        """Take the first alternative."""
        return 0

    def end(self, outcome: Outcome) -> None:
        """Learn nothing."""
