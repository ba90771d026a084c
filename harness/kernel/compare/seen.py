"""What guests see of an execution: what they acknowledge and read, VCPU by VCPU.

It is told by facts, so that a guest of the model and one of a real kernel say it in the same way. A
*story* has for each VCPU, in its order, what each IAR gave and what each register read as. Left out
are the readings of counts and timers' values, and how the VCPUs' stories lie to each other.
"""

from typing import Final

from model import facts
from model.facts import Fact

__all__ = ["HEARD", "Sight", "Sighting", "Story", "sight_of"]

Sight = tuple[str, int, int]
"""What was read: the register, of which INTID and VCPU (as one number), and the value."""
Story = tuple[tuple[Sight, ...], ...]

Sighting = facts.AckedByGuest | facts.RegisterRead | facts.GuestRead | facts.DistRead
HEARD: Final = (facts.AckedByGuest, facts.RegisterRead, facts.GuestRead, facts.DistRead)
TIMED: Final = frozenset({"cntv_cval", "cntv_tval", "cntp_cval", "cntp_tval"})
"""Registers whose value is a time: another one on each machine."""
OWNERS: Final = 1 << 16


def sight_of(fact: Fact) -> Sight | None:
    """Return what a guest sees by one of the facts that are heard; None: nothing to compare."""
    if isinstance(fact, facts.AckedByGuest):
        return "iar", 0, fact.vintid
    if isinstance(fact, facts.RegisterRead):
        return fact.register, (fact.owner + 1) * OWNERS + fact.vintid, fact.value
    if isinstance(fact, facts.GuestRead):
        return None if fact.register in TIMED else (fact.register, 0, fact.value)
    if isinstance(fact, facts.DistRead):
        return "gicd_ctlr", 0, fact.value
    return None
