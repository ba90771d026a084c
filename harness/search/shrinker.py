"""A failure on its way to its shortest story.

What is tried in which order was found by measuring: the scenario first, for it shortens the steps;
then the schedule, for that cuts the switches; then a search by departures, which reaches what no
change of a schedule reaches; then both again, with other schedules for each smaller scenario.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.search.bounded import find, prove
from harness.search.case import Case
from harness.search.edits import KINDS, Edit, edits
from harness.search.follow import DRAIN, RANDOM
from harness.search.hunt import Budget, Hunt, Spent
from harness.search.order import CALM, STAY
from harness.search.passes import is_shorter, shorten
from harness.search.plan import Plan
from harness.search.same import Kind, kind_of
from harness.search.shrunk import Minimality
from harness.search.sound import Soundness
from harness.search.trial import Cost, Stage, Trial
from model.check.violation import Violation

__all__ = ["Better", "Shrinker"]

FIND_STEPS: Final = 40_000
FIND_EDIT_STEPS: Final = 8_000
"""What one search for few departures may cost: in the best scenario, and after an edit."""
PROVABLE: Final = 6
"""With more departures there are too many states for a proof."""
RETRIES: Final = 15
"""How many schedules are drawn for an edit."""
DRAWN: Final = 40
LONG: Final = 200
STRUCTURE: Final = ("vcpus", "devices", "registers", "pcpus", "stimuli")
"""A failure of more than so many steps is drawn anew in scenarios with less of these, so often."""
AT_FIRST: Final = tuple(kind for kind in KINDS if kind != "waits")
"""What is tried at first: a wait is changed only when nothing can be left out any more."""
SHORTEN_STEPS: Final = 150_000
LAST_STEPS: Final = 150_000
"""What making the first schedule shorter may cost, and what is left for the last ones."""
REDRAWN: Final = 200
REDRAWN_HITS: Final = 8
REDRAWN_STEPS: Final = 150_000
"""How many schedules are drawn in the end, and how many of those that fail are made short."""

Better = Callable[[Callable[[], Schedule | None]], object]
"""Told of each story that is better, with what returns its schedule."""


class Shrinker:
    """A failure on its way: in which ``case``, by which ``hunt`` and ``trial``: the best so far.

    Args:
        case: where it fails.
        plan: how.
        kind: what is looked for.
        budget: what may be spent.
        better: told of each that is better, at once.

    Raises:
        UsageError: it does not fail so.

    """

    def __init__(
        self, case: Case, plan: Plan, kind: Kind, budget: Budget, better: Better = bool
    ) -> None:
        self.budget = budget
        self.better = better
        self.kind = kind
        self.case = case
        self.hunt = Hunt.of(case, kind, budget)
        self.trial = self.first(plan)
        self.sound: Soundness | None = None
        self.watched: Trial | None = None
        self.few: dict[bytes, dict[str, int]] = {}
        """With how few departures from either order each case was seen to fail."""

    def first(self, plan: Plan) -> Trial:
        """Run the failure as it was recorded, and on in an order instead of a drain if that does.

        Raises:
            UsageError: it does not fail in any of these ways.

        """
        for then in (CALM, STAY, DRAIN):
            trial = self.hunt.stage.run(plan, then)
            if self.hunt.hits(trial):
                return trial
        raise UsageError("the schedule does not fail in this way when it is run again")

    def run(self) -> None:
        """Do all of it.

        Raises:
            Spent: the budget is spent before that; the best so far is there.

        """
        self.sound = Soundness(self.case, self.trial.plan, self.budget)
        self.edit(self.replayed, AT_FIRST)
        if self.trial.measure.steps > LONG:
            self.edit(self.drawn, STRUCTURE)
            self.edit(self.replayed, AT_FIRST)
        self.within(SHORTEN_STEPS, self.shorten)
        self.search()
        left = self.budget.steps - self.budget.cost.steps
        self.within(left - LAST_STEPS, lambda: self.edit(self.found_anew))
        self.shorten()
        self.search()
        self.redraw()

    def within(self, steps: int, work: Callable[[], object]) -> None:
        """Do some of the work, for so many steps at most: then go on with what was found.

        Raises:
            Spent: the whole budget is spent.

        """
        whole = self.budget
        self.budget = self.hunt.budget = whole.part(steps)
        try:
            work()
        except Spent:
            whole.check()
        finally:
            self.budget = self.hunt.budget = whole

    def take(self, hunt: Hunt, trial: Trial) -> None:
        """Take what is better."""
        self.hunt, self.trial = hunt, trial
        self.better(lambda case=self.case: self.schedule(case, trial))  # type: ignore[misc]  # mypy knows no default of a lambda

    def schedule(self, case: Case, trial: Trial) -> Schedule | None:
        """Return a trial of ``case`` as a schedule, if it fails so to its end."""
        full = in_full(case, trial, self.kind, Cost())
        return None if full is None else case.spec.schedule_of(full.choices)

    # -- the schedule --------------------------------------------------------------------------

    def shorten(self) -> None:
        """Make the schedule shorter."""
        hunt = self.hunt
        shorten(hunt, self.trial, lambda trial: self.take(hunt, trial))

    def search(self) -> None:
        """Look for one with few departures from either order, and make that shorter."""
        if self.trial.measure.steps > LONG:
            return  # so few executions could be made that none would be found
        for then in (CALM, STAY):
            found = find(self.hunt, self.trial.plan.draws, then, FIND_STEPS)
            if found is None:
                continue
            known = self.few.setdefault(self.case.id, {})
            known[then] = min(found.departed, known.get(then, found.departed))
            found = shorten(self.hunt, found)
            if is_shorter(found, self.trial):
                self.take(self.hunt, found)

    def redraw(self) -> None:
        """Begin anew with other failing schedules: the way to a short one hangs on the first."""
        hits = 0
        most = self.budget.cost.steps + REDRAWN_STEPS
        for seed in range(REDRAWN):
            if self.budget.cost.steps >= most:
                break
            drawn = self.hunt.attempt(Plan(), RANDOM, seed=RETRIES + seed)
            calm = None if drawn is None else self.hunt.attempt(drawn.plan)
            if calm is None:
                continue
            found = shorten(self.hunt, calm)
            if is_shorter(found, self.trial):
                self.take(self.hunt, found)
            hits += 1
            if hits == REDRAWN_HITS:
                break

    # -- the scenario --------------------------------------------------------------------------

    def edit(
        self, fails: Callable[[Hunt, Edit], Trial | None], kinds: Iterable[str] = KINDS
    ) -> None:
        """Try edits of the scenario, kind by kind; ``fails`` finds how it fails then."""
        tried = set()
        for kind in kinds:
            at = 0
            proposed = list(edits(self.case, kind))
            while at < len(proposed):
                edit = proposed[at]
                at += 1
                if edit.case.id in tried:
                    continue
                tried.add(edit.case.id)
                hunt = Hunt.of(edit.case, self.kind, self.budget)
                trial = fails(hunt, edit)
                if trial is None or (kind == "waits" and longer(trial, self.trial)):
                    continue
                if not self.is_sound(edit.case, trial.plan):
                    continue
                self.case = edit.case
                self.take(hunt, trial)
                proposed = list(edits(edit.case, kind))
                at -= 1

    def is_sound(self, case: Case, plan: Plan) -> bool:
        """Tell whether the unmodified era runs a case clean.

        Raises:
            Spent: the budget is spent.

        """
        return self.sound is not None and self.sound.holds(case, plan)

    def replayed(self, hunt: Hunt, edit: Edit) -> Trial | None:
        """Return how the same schedule fails there, if it does and is no longer."""
        plan = edit.rename(self.trial.plan)
        for aligned in (True, False):
            trial = hunt.attempt(plan, self.trial.then, aligned=aligned)
            if trial is not None and not is_shorter(self.trial, trial):
                return trial
        return None

    def recounted(self, hunt: Hunt, edit: Edit) -> Trial | None:
        """Return how the same schedule fails there, where a VCPU exits once less in a block."""
        if not edit.task:
            return None
        if self.watched is None or self.watched.choices != self.trial.choices:
            self.watched = self.hunt.stage.run(self.trial.plan, self.trial.then, watched=True)
        plan = edit.rename(self.watched.counted)
        for n, block in enumerate(plan.blocks):
            if block.task == edit.task and block.times > 1:
                fewer = msgspec.structs.replace(block, times=block.times - 1)
                changed = Plan((*plan.blocks[:n], fewer, *plan.blocks[n + 1 :]), plan.draws)
                trial = hunt.attempt(changed, self.trial.then, aligned=True)
                if trial is not None and not is_shorter(self.trial, trial):
                    return trial
        return None

    def drawn(self, hunt: Hunt, edit: Edit) -> Trial | None:
        """Return how any schedule fails there, however long: it is a smaller scenario."""
        trial = self.replayed(hunt, edit)
        if trial is not None:
            return trial
        for seed in range(DRAWN):
            drawn = hunt.attempt(Plan(), RANDOM, seed=seed)
            if drawn is not None:
                return hunt.attempt(drawn.plan)
        return None

    def found_anew(self, hunt: Hunt, edit: Edit) -> Trial | None:
        """Return how any schedule fails there that is no longer: the same, searched for, drawn."""
        trial = self.replayed(hunt, edit) or self.recounted(hunt, edit)
        if trial is not None:
            return trial
        draws = edit.rename(self.trial.plan).draws
        found = [find(hunt, draws, CALM, FIND_EDIT_STEPS)]
        for seed in range(RETRIES):
            drawn = hunt.attempt(Plan(), RANDOM, seed=seed)
            if drawn is not None:
                found.append(hunt.attempt(drawn.plan))
        best: Trial | None = None
        for each in found:
            if each is None:
                continue
            shorter = shorten(hunt, each)
            if best is None or is_shorter(shorter, best):
                best = shorter
        return best if best is not None and not is_shorter(self.trial, best) else None

    # -- the end -------------------------------------------------------------------------------

    def in_full(self) -> Trial | None:
        """Run the best once more, to its end; None if it does not fail there after all."""
        return in_full(self.case, self.trial, self.kind, self.budget.cost)

    def ends(self, work: Callable[[], object]) -> str:
        """Do some of the work; return why it ended early, "" if it did not."""
        try:
            work()
        except Spent as spent:
            return spent.why
        return ""

    @property
    def base(self) -> Violation | None:
        """How the unmodified era fails in the whole scenario, as far as that was looked at."""
        return None if self.sound is None else self.sound.base

    def minimality(self, proofs: Sequence[tuple[str, bool, int]]) -> Iterator[Minimality]:
        """Find out whether fewer departures would do, in one way after the other until one says so.

        Raises:
            Spent: the budget is spent, but for its steps: these are extra.

        """
        budget = self.budget
        most = budget.cost.steps + 2 * sum(steps for _, _, steps in proofs)
        self.hunt.budget = Budget(most, budget.deadline, budget.stop, budget.cost)
        stage, plan = self.hunt.stage, self.trial.plan
        departed = {then: stage.run(plan, then).departed for then in (CALM, STAY)}
        few = departed | self.few.get(self.case.id, {})
        for then, by_state, steps in sorted(proofs, key=lambda proof: few[proof[0]]):
            shown = departed[then]
            known = min(shown, few[then])
            if by_state and known > PROVABLE:
                continue
            proof = prove(self.hunt, then, known, steps, by_state=by_state)
            fewest = known if proof.found is None else proof.passed + 1
            found = Minimality(then, shown, fewest, proof.passed, by_state)
            yield found
            if found.proved:
                break


def longer(a: Trial, b: Trial) -> bool:
    """Tell whether ``a`` has more steps: switches that it saves are no reason for another guest."""
    return a.measure.steps > b.measure.steps


def in_full(case: Case, trial: Trial, kind: Kind, cost: Cost) -> Trial | None:
    """Run a trial of ``case`` once more, to its end; None if it does not fail so there."""
    full = Stage.of(case, cost=cost).run(trial.core, trial.then)
    violation = full.violation
    return full if violation is not None and kind_of(violation) == kind else None
