"""``replay``: make the choices of a recorded schedule again, and notice where they cannot be made.

A step of a task that is not enabled, or a draw that is not the one asked for, is a divergence: the
program is not the one that was recorded. The engine drains after the last choice, as it did when
the schedule was recorded.

With ``skip``, what does not fit is left out and counted, so that the schedule of one program, or a
part of one, means something for another.
"""

from collections.abc import Sequence

import msgspec

from harness.contract import ABANDON, Abandon, RunInfo, Task
from harness.engine.choice import Choice, Draw
from harness.engine.outcome import Outcome

__all__ = ["Divergence", "Replay"]


class Divergence(msgspec.Struct, frozen=True):
    """The first choice that could not be made: its position (from 1), and what was there."""

    position: int
    expected: str
    found: str


class Replay:
    """Follows ``choices`` to the first that does not fit; with ``skip``, past those that do not.

    ``divergence`` says afterwards which was the first that did not fit (None: all did), or, with
    ``skip``, ``skipped`` how many were left out. The rules of skipping:

    - a step of a task that is not enabled is skipped, and a draw that nobody asked for before the
      next step that is made;
    - a draw is looked for by its name up to the next step of the record; those before it stay for
      whoever asks for them. If there is none the answer is 0, and nothing is skipped;
    - a number out of range becomes the largest in range, and counts as made.
    """

    every_step = True

    def __init__(self, choices: Sequence[Choice], *, skip: bool = False) -> None:
        self.choices = tuple(choices)
        self.skip = skip
        self.position = 0
        self.skipped = 0
        self.taken: set[int] = set()
        self.divergence: Divergence | None = None
        self.names: frozenset[str] = frozenset()

    def begin(self, info: RunInfo) -> bool:
        """Start from the first choice."""
        self.position = 0
        self.skipped = 0
        self.taken.clear()
        self.divergence = None
        self.names = frozenset(task.name for task in info.tasks)
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Pick what was picked; abandon at the end of the record or at a divergence."""
        while self.going():
            choice = self.choices[self.position]
            if self.position in self.taken:
                self.position += 1
                continue
            if not isinstance(choice, Draw):
                for task in enabled:
                    if task.name == choice.task:
                        self.position += 1
                        return task
            self.misfit(f"can go: {', '.join(t.name for t in enabled)}")
        return ABANDON

    def draw(self, name: str, k: int) -> int:
        """Draw what was drawn."""
        if self.skip:
            return self.draw_ahead(name, k)
        if not self.going():
            return 0
        choice = self.choices[self.position]
        if not isinstance(choice, Draw) or (choice.name, choice.k) != (name, k):
            self.misfit(f"a draw of {name} out of {k}")
            return 0
        self.position += 1
        return choice.n

    def draw_ahead(self, name: str, k: int) -> int:
        """Take the first draw of ``name`` before the next step; 0 if there is none."""
        for position in range(self.position, len(self.choices)):
            choice = self.choices[position]
            if not isinstance(choice, Draw):
                break
            if choice.name == name and position not in self.taken:
                self.taken.add(position)
                return min(choice.n, k - 1)
        return 0

    def going(self) -> bool:
        """Tell whether there is a choice left to make."""
        return self.position < len(self.choices) and (self.skip or self.divergence is None)

    def end(self, outcome: Outcome) -> None:
        """Note choices that were never asked for."""
        while self.going():
            if self.position in self.taken:
                self.position += 1
            else:
                self.misfit("the execution was over")

    def misfit(self, found: str) -> None:
        """Skip the choice at this position, or note that the replay diverges here."""
        if self.skip:
            self.skipped += 1
            self.position += 1
            return
        choice = self.choices[self.position]
        known = isinstance(choice, Draw) or choice.task in self.names
        self.divergence = Divergence(
            position=self.position + 1,
            expected=str(choice) if known else f"{choice} (no such task here)",
            found=found,
        )
