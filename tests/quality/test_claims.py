"""A suspect's words are not evidence: who believes what KVM only says of itself gives a reason."""

from model.check.listener import Listener
from model.facts import CLAIMS, KINDS
from model.rules.registry import RULES


def listeners() -> set[type[Listener]]:
    """Name every rule, and every view that one rests on."""
    found: set[type[Listener]] = set(RULES.values())
    for rule in RULES.values():
        found.update(rule.all_views())
    return found


def test_who_hears_a_claim_says_why_it_may() -> None:
    hearing = {x.__name__ for x in listeners() if set(CLAIMS) & set(x.HEARS)}
    assert {x.__name__ for x in listeners() if x.trusts} == hearing
    assert len(hearing) > 10


def test_the_claims_are_facts() -> None:
    assert set(CLAIMS) <= set(KINDS.values())
    assert len(set(CLAIMS)) == len(CLAIMS)
