"""Shrinks a failure: the smallest scenario and the shortest schedule that fail alike.

The order of what is tried, and why, was found by measuring: the scenario first, for it shortens the
steps; then the schedule, for that cuts the switches; then a search by departures, which reaches what
no change of a schedule reaches; then both again, with other schedules for each smaller scenario.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.scenarios.schema import Scenario
from harness.search.bounded import find, prove
from harness.search.case import Case
from harness.search.edits import KINDS, Edit, edits
from harness.search.follow import DRAIN, RANDOM
from harness.search.hunt import Budget, Hunt, Spent
from harness.search.order import CALM, STAY
from harness.search.passes import is_shorter, shorten
from harness.search.plan import Plan
from harness.search.same import kind_of
from harness.search.sound import Soundness
from harness.search.trial import Measure, Trial
from harness.spec import RunSpec
from model.check.violation import Violation

__all__ = ["Shrinker"]

FIND_STEPS: Final = 40_000
FIND_EDIT_STEPS: Final = 8_000
PROVE_STEPS: Final = 150_000
RETRIES: Final = 15


class Shrinker:
    """A failure on its way: ``hunt`` has the case and ``trial`` the execution, the best so far.

    Args:
        case: where it fails.
        plan: how.
        violation: what.
        budget: what may be spent.
        keep: called each time there is a better one.

    Raises:
        UsageError: it does not fail so.
        Spent: the budget is spent.

    """

    def __init__(
        self,
        case: Case,
        plan: Plan,
        violation: Violation,
        budget: Budget,
        keep: Callable[["Shrinker"], object] = bool,
    ) -> None:
        self.budget = budget
        self.kind = kind_of(violation)
        self.keep = keep
        self.hunt = Hunt(case, self.kind, budget)
        self.trial = self.first(plan)
        self.before = self.trial.measure
        self.done = ""
        """How far it came, in a word."""
        self.sound = Soundness(case, self.trial.plan, budget)

    def first(self, plan: Plan) -> Trial:
        """Run the failure as it was recorded, and on in an order instead of a drain if that does.

        Raises:
            UsageError: it does not fail so.

        """
        for then in (CALM, STAY, DRAIN):
            trial = self.hunt.attempt(plan, then)
            if trial is not None:
                return trial
        raise UsageError("the schedule does not break that rule when it is run again")

    def take(self, hunt: Hunt, trial: Trial) -> None:
        """Take what is better."""
        self.hunt, self.trial = hunt, trial
        self.keep(self)

    def run(self) -> None:
        """Do all of it.

        Raises:
            Spent: the budget is spent before that.

        """
        self.edit(self.replayed)
        self.shorten()
        self.search(FIND_STEPS)
        self.edit(self.found_anew)
        self.shorten()
        self.search(FIND_STEPS)

    def shorten(self) -> None:
        """Make the schedule shorter."""
        hunt = self.hunt
        shorten(hunt, self.trial, lambda trial: self.take(hunt, trial))

    def search(self, steps: int) -> None:
        """Look for one with few departures from either order, and make that shorter."""
        for then in (CALM, STAY):
            found = find(self.hunt, self.trial.plan.draws, then, steps)
            if found is None:
                continue
            found = shorten(self.hunt, found)
            if is_shorter(found, self.trial):
                self.take(self.hunt, found)

    def edit(self, fails: Callable[[Hunt, Edit], Trial | None]) -> None:
        """Try all edits of the scenario, kind by kind; ``fails`` finds how it fails then."""
        tried = set()
        for kind in KINDS:
            at = 0
            proposed = list(edits(self.hunt.case, kind))
            while at < len(proposed):
                edit = proposed[at]
                at += 1
                if edit.case.id in tried:
                    continue
                tried.add(edit.case.id)
                hunt = Hunt(edit.case, self.kind, self.budget)
                trial = fails(hunt, edit)
                if trial is None or not self.sound.holds(edit.case, trial.plan):
                    continue
                self.take(hunt, trial)
                proposed = list(edits(edit.case, kind))
                at -= 1

    def replayed(self, hunt: Hunt, edit: Edit) -> Trial | None:
        """Return how the same schedule fails there, if it does and is no longer."""
        plan = edit.rename(self.trial.plan)
        for aligned in (True, False):
            trial = hunt.attempt(plan, self.trial.then, aligned=aligned)
            if trial is not None and not is_shorter(self.trial, trial):
                return trial
        return None

    def found_anew(self, hunt: Hunt, edit: Edit) -> Trial | None:
        """Return how any schedule fails there that is no longer: replayed, at random, or searched.

        """
        trial = self.replayed(hunt, edit)
        if trial is not None:
            return trial
        draws = edit.rename(self.trial.plan).draws
        found = [find(hunt, draws, CALM, FIND_EDIT_STEPS)]
        found += [hunt.attempt(Plan(), RANDOM, seed=seed) for seed in range(RETRIES)]
        best: Trial | None = None
        for each in found:
            if each is None:
                continue
            shorter = shorten(hunt, each)
            if best is None or is_shorter(shorter, best):
                best = shorter
        return best if best is not None and not is_shorter(self.trial, best) else None
