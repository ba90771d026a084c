"""Whether a run has anything to check: of the rules that were asked for, which hold there."""

from harness.spec import RunSpec
from harness.variants import resolve_variant
from model.check.setting import Setting
from model.rules.registry import RULES

__all__ = ["nothing_to_check"]

NAMED_MAX = 3


def nothing_to_check(spec: RunSpec) -> str:
    """Say that no rule that was asked for holds for ``spec``; "" if one does, or all are checked.

    A rule may hold in one era only, or with some settings of the knobs. One of a user's own, named
    by its class, is taken to hold.

    Raises:
        UsageError: scenario or variant cannot be had.

    """
    if spec.rules is None:
        return ""
    era = resolve_variant(spec.variant).era
    setting = Setting.of(spec.config(spec.loaded()))
    for name in spec.rules:
        cls = RULES.get(name)
        if cls is None or (era in cls.eras and cls.applies(setting)):
            return ""
    named = ", ".join(spec.rules[:NAMED_MAX])
    more = len(spec.rules) - NAMED_MAX
    which = f"{named} and {more} more do" if more > 0 else f"{named} do"
    knobs = "".join(f" {name}={value}" for name, value in spec.knobs)
    return f"not checked: {which}{'es' if len(spec.rules) == 1 else ''} not hold in {era}{knobs}"
