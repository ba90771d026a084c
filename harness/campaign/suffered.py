"""What a guest suffers of a failure that a campaign found: looked for in passing.

The failure's choices are made once more with the rules of the guest alone, and the execution goes
on from there in a few ways. ``vgic-race why`` tries many more.
"""

from functools import lru_cache
from typing import Any

from harness.campaign.crash import naming_variant
from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.search.case import Case
from harness.search.explanation import Symptom
from harness.search.why.symptom import symptom
from harness.spec import RunSpec
from model.check.violation import Violation
from model.rules.registry import GUEST

__all__ = ["TRIES", "suffered", "symptom_dict"]

TRIES = 3
"""The calm order, the other one, and one by chance."""


@lru_cache(maxsize=256)
def suffered(schedule: Schedule, violations: tuple[Violation, ...]) -> Symptom | None:
    """Return the first thing that a guest can see of a failure, or that none was found.

    Args:
        schedule: how it fails.
        violations: the rules that are broken, the first one first.

    Returns:
        The symptom; None where it could not be looked for, as in code that is no more the same.

    """
    seen = next((v for v in violations if v.rule in GUEST), violations[0])
    try:
        spec = RunSpec.from_schedule(schedule)
        with naming_variant(spec):
            return symptom(Case.of(spec), schedule.choices, seen, draws=TRIES)
    except UsageError:
        return None


def symptom_dict(found: Symptom | None) -> dict[str, Any] | None:
    """Return a symptom as ``--json`` has it; ``tried`` says in how many executions it was sought.

    Without a ``rule`` there is none as far as was looked.
    """
    if found is None:
        return None
    v = found.violation
    if v is None:
        return {"rule": None, "text": None, "step": None, "tried": found.drawn}
    return {"rule": v.rule, "text": v.text, "step": v.step, "tried": found.drawn}
