"""Whether a smaller guest is still right by itself: the unmodified era must run it clean."""

from collections.abc import Iterator
from typing import Final

from harness.search.case import Case
from harness.search.follow import RANDOM
from harness.search.hunt import BUILD_STEPS, Budget
from harness.search.order import CALM
from harness.search.plan import Plan
from harness.search.trial import Stage, Trial
from harness.variants import resolve_variant
from model.check.violation import Violation

__all__ = ["RANDOM_RUNS", "Soundness"]

RANDOM_RUNS: Final = 15


class Soundness:
    """Runs the era that a variant was made of, and finds whether it is clean.

    Where the variant is an era, or where its era fails in the whole scenario already, there is
    nothing to compare with, and all is sound. ``base`` is how the era fails there, if it does.

    Args:
        case: the whole case.
        plan: what fails there.
        budget: pays for it.

    Raises:
        Spent: the budget is spent.

    """

    def __init__(self, case: Case, plan: Plan, budget: Budget) -> None:
        self.budget = budget
        self.era = resolve_variant(case.variant).era
        self.base: Violation | None = None
        self.asks = self.era != case.variant
        if self.asks:
            for trial in self.trials(case, plan):
                self.asks = self.asks and is_clean(trial)
                self.base = self.base or trial.violation

    def holds(self, case: Case, plan: Plan) -> bool:
        """Tell whether the era runs a case clean: under a plan, by itself, and at random.

        Raises:
            Spent: the budget is spent.

        """
        return not self.asks or all(is_clean(trial) for trial in self.trials(case, plan))

    def trials(self, case: Case, plan: Plan) -> Iterator[Trial]:
        """Run the era."""
        self.budget.check()
        self.budget.cost.steps += BUILD_STEPS
        stage = Stage.of(case, variant=self.era, cost=self.budget.cost)
        yield stage.run(plan, CALM)
        yield stage.run(Plan(), CALM)
        for seed in range(RANDOM_RUNS):
            self.budget.check()
            yield stage.run(Plan(), RANDOM, seed=seed)


def is_clean(trial: Trial) -> bool:
    """Tell a clean execution; one that reaches a bound is none."""
    return trial.violation is None and not trial.outcome.bound
