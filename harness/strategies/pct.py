"""``pct``: probabilistic concurrency testing, for bugs of a given depth.

Burckhardt, Kothari, Musuvathi and Nagarakatti, "A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs" (ASPLOS 2010). Each task gets a random priority, the highest enabled
one runs, and at ``depth - 1`` random steps the priority of the running task falls below all
others. One execution finds a bug of depth d with probability at least 1/(n * k^(d-1)) for n tasks
and k steps.

Deviations: only steps with a real choice count as steps, k is learnt as the largest count seen (as
Shuttle and Coyote do), and change points are distinct. Well past the last change point the walk is
random: with fixed priorities a task that spins until another goes on would starve it for ever.
"""

from collections.abc import Sequence
from random import Random

from harness.contract import Abandon, RunInfo, Task
from harness.engine.outcome import Outcome

__all__ = ["Pct"]

FAIR_MARGIN = 200
K_FIRST = 100
"""The number of steps assumed before any execution has been seen."""


class Pct:
    """Priorities with ``depth - 1`` change points.

    Args:
        seed: what decides everything.
        depth: the depth of the bugs to find, 1 or more.
        k: the number of steps with a choice that change points are spread over; None learns it,
            which makes an execution depend on those before it.

    Raises:
        ValueError: a depth below 1.

    """

    every_step = False

    def __init__(self, seed: int, depth: int = 3, k: int | None = None) -> None:
        if depth < 1:
            raise ValueError(f"the depth of pct is {depth}, expected 1 or more")
        self.rng = Random(seed)
        self.depth = depth
        self.learns = k is None
        self.k = K_FIRST if k is None else max(k, 1)
        self.priorities: list[int] = []
        self.changes: dict[int, int] = {}
        self.steps = 0
        self.fair_from = 0

    def begin(self, info: RunInfo) -> bool:
        """Draw priorities and change points."""
        n = len(info.tasks)
        if self.learns:
            self.k = max(self.k, self.steps)
        self.steps = 0
        self.priorities = list(range(self.depth, self.depth + n))
        self.rng.shuffle(self.priorities)
        count = min(self.depth - 1, self.k)
        points = self.rng.sample(range(self.k), count)
        self.changes = {step: j for j, step in enumerate(points, 1)}
        self.fair_from = self.k + FAIR_MARGIN
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Pick the enabled task of highest priority; lower it at a change point."""
        if self.steps >= self.fair_from:
            self.steps += 1
            return enabled[int(self.rng.random() * len(enabled))]
        priorities = self.priorities
        chosen = enabled[0]
        best = priorities[chosen.index]
        for task in enabled:
            if priorities[task.index] > best:
                chosen, best = task, priorities[task.index]
        if self.steps in self.changes:
            priorities[chosen.index] = self.changes[self.steps]
        self.steps += 1
        return chosen

    def draw(self, name: str, k: int) -> int:
        """Draw uniformly."""
        return int(self.rng.random() * k)

    def end(self, outcome: Outcome) -> None:
        """Learn nothing here; the step count is read at the next beginning."""
