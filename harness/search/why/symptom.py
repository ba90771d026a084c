"""What the guest suffers: the same failure, looked at with the rules of the guest alone."""

from collections.abc import Sequence

from harness.engine.choice import Choice
from harness.search.case import Case
from harness.search.explanation import Symptom
from harness.search.follow import RANDOM
from harness.search.order import CALM, STAY
from harness.search.plan import Plan
from harness.search.trial import Stage
from model.check.violation import Violation
from model.rules.registry import GUEST

__all__ = ["DRAWS", "symptom"]

DRAWS = 200
"""How many ways to go on from the failing point are tried before it is said that none was found."""
STEPS_MAX = 300_000
"""What they may cost, in steps."""


def symptom(
    case: Case, choices: Sequence[Choice], violation: Violation, *, draws: int = DRAWS
) -> Symptom:
    """Find the first thing that a guest suffers of a failure.

    The rules of the guest do not see the rule that was broken first, so the execution goes on from
    there: in the calm order, in the other one, then by chance.

    Args:
        case: what fails.
        choices: how, up to where ``violation`` is seen.
        violation: the rule that is broken.
        draws: how many ways to go on are tried.

    Raises:
        UsageError: the variant cannot be had.

    """
    if violation.rule in GUEST:
        return Symptom(violation, 0)
    stage = Stage.of(case, rules=GUEST)
    plan = Plan.of(choices)
    for drawn in range(draws):
        then = (CALM, STAY)[drawn] if drawn < 2 else RANDOM
        found = stage.run(plan, then, seed=drawn).violation
        if found is not None:
            return Symptom(found, drawn + 1)
        if stage.cost.steps > STEPS_MAX:
            return Symptom(None, drawn + 1)
    return Symptom(None, draws)
