"""``replay``: make the choices of a recorded schedule again, and notice where they cannot be made.

A choice that names a task that is not enabled, or a draw where none is asked for, is a divergence:
the program is not the one that was recorded. The engine drains after the last choice, as it did
when the schedule was recorded.
"""

from collections.abc import Sequence

import msgspec

from harness.contract import ABANDON, Abandon, RunInfo, Task

__all__ = ["Divergence", "Replay"]


class Divergence(msgspec.Struct, frozen=True):
    """The first choice that could not be made: its position (from 1), and what was there."""

    position: int
    expected: str
    found: str


class Replay:
    """Follows ``choices`` (task names, or "=N" for draws)."""

    every_step = True

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = tuple(choices)
        self.position = 0
        self.divergence: Divergence | None = None
        self.names: dict[str, int] = {}

    def begin(self, info: RunInfo) -> bool:
        """Start from the first choice."""
        self.position = 0
        self.divergence = None
        self.names = {task.name: task.index for task in info.tasks}
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Pick what was picked; abandon at the end of the record or at a divergence."""
        if self.divergence is not None or self.position >= len(self.choices):
            return ABANDON
        name = self.choices[self.position]
        for task in enabled:
            if task.name == name:
                self.position += 1
                return task
        self.diverge(f"can go: {', '.join(t.name for t in enabled)}")
        return ABANDON

    def draw(self, name: str, k: int) -> int:
        """Draw what was drawn."""
        if self.divergence is not None or self.position >= len(self.choices):
            return 0
        choice = self.choices[self.position]
        if not choice.startswith("=") or int(choice[1:]) >= k:
            self.diverge(f"a draw of {name!r} below {k}")
            return 0
        self.position += 1
        return int(choice[1:])

    def end(self, outcome: object) -> None:
        """Note choices that were never asked for."""
        if self.divergence is None and self.position < len(self.choices):
            self.diverge("the execution was over")

    def diverge(self, found: str) -> None:
        """Keep the first divergence."""
        if self.divergence is None:
            expected = self.choices[self.position]
            known = expected.startswith("=") or expected in self.names
            self.divergence = Divergence(
                position=self.position + 1,
                expected=expected if known else f"{expected} (no such task here)",
                found=found,
            )
