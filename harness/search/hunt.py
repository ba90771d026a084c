"""Trials that look for one kind of violation, within a budget; the rest of what shrinking does."""

import time
from collections.abc import Callable
from typing import Final

from harness.search.case import Case
from harness.search.follow import STORM
from harness.search.order import CALM
from harness.search.plan import Plan
from harness.search.same import Kind, kind_of
from harness.search.trial import Cost, Stage, Trial
from model.rules.derived.progress import L2

__all__ = ["Budget", "Hunt", "Spent"]

BUILD_STEPS: Final = 300
"""What building a world costs, in steps."""
ENOUGH: Final = {(L2.id, L2.IDLE.tag): ("wfis", 6), (L2.id, L2.WOKEN.tag): ("naps", 5)}
"""The storms whose rule waits for long, what it counts, and how much of it is believed.

A storm that goes on behind the last choice is not going to end; at the end it is run in full."""


class Spent(Exception):  # noqa: N818  # it is no error
    """The budget is spent: ``why`` says which part of it, "steps", "seconds" or "interrupted"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Budget:
    """How much may be tried.

    Steps are counted, so that the result is the same on any machine; seconds and ``stop`` are there
    so that it ends in time, and whoever stopped by them says so.

    Args:
        steps: how many steps of executions; building a world counts as :data:`BUILD_STEPS`.
        deadline: when it is over (monotonic clock, in seconds), or None.
        stop: asked now and then; it is over when it returns True.
        cost: what was spent so far, and is added to.

    """

    def __init__(
        self,
        steps: int,
        deadline: float | None = None,
        stop: Callable[[], bool] | None = None,
        cost: Cost | None = None,
    ) -> None:
        self.cost = Cost() if cost is None else cost
        self.steps = steps
        self.deadline = deadline
        self.stop = stop

    def check(self) -> None:
        """Go on only if something is left.

        Raises:
            Spent: nothing is.

        """
        if self.stop is not None and self.stop():
            raise Spent("interrupted")
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise Spent("seconds")
        if self.is_spent():
            raise Spent("steps")

    def is_spent(self) -> bool:
        """Tell whether the steps are spent."""
        return self.cost.steps >= self.steps

    def part(self, steps: int) -> "Budget":
        """Return a part of what is left, at most ``steps``; what is spent of it is spent here."""
        most = min(self.steps, self.cost.steps + steps)
        return Budget(most, self.deadline, self.stop, self.cost)


class Hunt:
    """Trials that look for one kind of violation.

    Args:
        stage: where they are run.
        kind: what is looked for.
        budget: what may be spent.

    """

    def __init__(self, stage: Stage, kind: Kind, budget: Budget) -> None:
        self.stage = stage
        self.kind = kind
        self.budget = budget
        stage.cost = budget.cost
        self.opaque = False
        """Whether the variant was seen to remember what no state can hold."""
        if kind[:2] in ENOUGH:
            stage.weary = storms(stage, *ENOUGH[kind[:2]])

    @classmethod
    def of(cls, case: Case, kind: Kind, budget: Budget) -> "Hunt":
        """Return the hunt in a case; building its world is paid for.

        Raises:
            UsageError: the variant of the case cannot be had.

        """
        budget.cost.steps += BUILD_STEPS
        return cls(Stage.of(case), kind, budget)

    def attempt(
        self, plan: Plan, then: str = CALM, *, aligned: bool = False, seed: int = 0
    ) -> Trial | None:
        """Run a trial (``Stage.run``), and return it if it fails as it should.

        Raises:
            Spent: there is no budget left.

        """
        self.budget.check()
        trial = self.stage.run(plan, then, aligned=aligned, seed=seed)
        return trial if self.hits(trial) else None

    def hits(self, trial: Trial) -> bool:
        """Tell whether a trial fails as it should."""
        violation = trial.violation
        if violation is None:
            return trial.outcome.bound == STORM
        return kind_of(violation) == self.kind


def storms(stage: Stage, count: str, enough: int) -> Callable[[], bool]:
    """Return what tells that a guest of ``stage`` goes round for nothing, ``enough`` times."""
    streaks = [of for rule in stage.rules if isinstance(rule, L2) for of in rule.of]

    def seen() -> bool:
        return any(getattr(of, count) >= enough for of in streaks)

    return seen
