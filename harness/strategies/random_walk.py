"""``random``: every enabled task is equally likely at every step.

The baseline of the field. Naive random found 43 of the 49 bugs of SCTBench in the study of Thomson,
Donaldson and Betts ("Concurrency Testing Using Controlled Schedulers", TOPC 2016), more than
bounded depth-first search. It gives no guarantee for a bug of a given depth.
"""

from collections.abc import Sequence
from random import Random

from harness.contract import Abandon, RunInfo, Task
from harness.engine.outcome import Outcome

__all__ = ["RandomWalk"]


class RandomWalk:
    """Uniform choice among the enabled tasks; ``seed`` decides everything."""

    every_step = False

    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        self.random = rng.random

    def begin(self, info: RunInfo) -> bool:
        """Start an execution; the stream of random numbers goes on."""
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Pick any enabled task."""
        return enabled[int(self.random() * len(enabled))]

    def draw(self, name: str, k: int) -> int:
        """Draw uniformly."""
        return int(self.random() * k)

    def end(self, outcome: Outcome) -> None:
        """Learn nothing."""
