"""Every claim is a rule, or it is said why it is none; and what a rule leaves out is said, too."""

from model.rules.inexpressible import IDS, UNSTATED, WHOLE
from model.rules.registry import RULES

OWN = {"deadlock", "lock-order", "no-acknowledge", "unpredictable", "waits-in-vain"}
"""Rules that are no claim of the list: the host's own."""


def test_every_claim_is_a_rule_or_has_a_reason() -> None:
    assert len(set(IDS)) == len(IDS) == 35 + 19 + 6 + 15
    without = {x.id for x in UNSTATED if x.part == WHOLE}
    assert set(IDS) - set(RULES) == without
    assert set(RULES) - set(IDS) == OWN


def test_what_is_stated_elsewhere_is_stated_by_a_rule() -> None:
    for entry in UNSTATED:
        assert entry.id in IDS
        assert entry.why
        assert set(entry.by) <= set(RULES)
        assert entry.id not in entry.by
