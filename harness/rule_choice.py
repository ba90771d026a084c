"""Which rules are to be checked, as a user names them: ids and groups, divided by commas."""

from harness.errors import unknown_name
from model.rules.registry import GUEST, HARDWARE, RULES

__all__ = ["GROUPS", "parse_rules"]

GROUPS: dict[str, frozenset[str]] = {
    "guest": GUEST,
    "kvm": frozenset(RULES) - GUEST - HARDWARE,
    "hardware": HARDWARE,
}
"""Names that stand for several rules: whom they are about, as ``list rules`` says it."""


def parse_rules(text: str) -> frozenset[str]:
    """Read ids of rules and names of groups, divided by commas.

    Raises:
        UsageError: there is no such rule or group.

    """
    chosen: set[str] = set()
    for name in (word.strip() for word in text.split(",")):
        if name not in RULES and name not in GROUPS:
            raise unknown_name("rule", name, (*GROUPS, *RULES))
        chosen |= GROUPS.get(name) or {name}
    return frozenset(chosen)
