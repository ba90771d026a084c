"""Shrinks a failure: the smallest scenario and the shortest schedule that fail alike."""

from collections.abc import Sequence
from typing import Final

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.search.case import Case
from harness.search.follow import CUT, DRAIN
from harness.search.hunt import Budget
from harness.search.loops import find_loop
from harness.search.order import CALM, STAY
from harness.search.plan import Plan
from harness.search.same import is_same, kind_of
from harness.search.shrinker import Better, Shrinker
from harness.search.shrunk import Minimality, Shrunk
from harness.search.trial import Stage
from harness.spec import RunSpec
from model.check.violation import Violation

__all__ = ["BUDGET_STEPS", "PROOFS", "shrink"]

BUDGET_STEPS: Final = 600_000
"""What shrinking may cost, proofs apart, in steps: some ten seconds."""
PROOFS: Final = (
    (CALM, False, 60_000), (STAY, False, 40_000), (STAY, True, 280_000), (CALM, True, 60_000),
)  # fmt: skip
"""The proofs that are tried, until one succeeds: the order, whether by states, and its steps."""
SMALLER: Final = ", made smaller"


def shrink(
    spec: RunSpec,
    schedule: Schedule,
    violation: Violation,
    budget: Budget | None = None,
    proofs: Sequence[tuple[str, bool, int]] = PROOFS,
    better: Better = bool,
) -> Shrunk:
    """Find the smallest scenario and the shortest schedule that fail alike.

    The same arguments give the same result, unless the budget's seconds or its ``stop`` ended it.

    Args:
        spec: what was run.
        schedule: how it failed.
        violation: what is looked for: the first rule that was broken.
        budget: what may be spent (None: :data:`BUDGET_STEPS`); when it ends the best so far is
            returned.
        proofs: those that are tried, which have steps of their own.
        better: told of each that is shorter than all before, at once, with what returns its
            schedule: that costs an execution, and is None for a storm that comes to an end.

    Raises:
        UsageError: the schedule does not fail so.

    """
    budget = Budget(BUDGET_STEPS) if budget is None else budget
    case, plan = Case.of(spec), Plan.of(schedule.choices)
    before = Stage.of(case).run(plan, DRAIN)
    if not is_same(violation, before.violation):
        found = "nothing" if before.violation is None else before.violation.rule
        raise UsageError(
            f"the schedule does not break {violation.rule} as it did when it is run again, but "
            f"{found}: the variant's code or the model changed since"
        )
    shrinker = Shrinker(case, plan, kind_of(violation), budget, better)
    ended = shrinker.ends(shrinker.run)
    after = shrinker.in_full()
    if after is None:
        # A storm that was believed, and comes to an end after all.
        shrinker, after = Shrinker(case, plan, kind_of(violation), Budget(0)), before
    verdicts: list[Minimality] = []
    if ended in ("", "steps"):
        ended = shrinker.ends(lambda: verdicts.extend(shrinker.minimality(proofs))) or ended
    case = shrinker.case if shrinker.case == case else called_smaller(shrinker.case)
    assert after.violation is not None
    loop = find_loop(case, after.plan, after.violation)
    told = after
    if loop is not None:
        told = Stage.of(case).run(after.choices_to(loop.last), CUT)
    return Shrunk(
        schedule=case.spec.schedule_of(after.choices),
        scenario=case.scenario,
        violation=after.violation,
        before=before.measure,
        after=after.measure,
        told=told.measure,
        minimality=best_of(verdicts),
        loop=loop,
        base=shrinker.base,
        ended=ended,
        runs=budget.cost.runs,
        steps=budget.cost.steps,
    )


def called_smaller(case: Case) -> Case:
    """Return a case whose title says that it is not the whole one any more."""
    title = case.scenario.title
    return case if title.endswith(SMALLER) else case.replace(title=title + SMALLER)


def best_of(verdicts: Sequence[Minimality]) -> Minimality | None:
    """Return the one that says most: a proof, else that with the narrowest gap, if any."""
    return min(verdicts, key=lambda m: (not m.proved, m.fewest - m.passed), default=None)
