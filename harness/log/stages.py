"""How far an interrupt is on its way, told from facts alone: one word at a time, and milestones.

From the device to the guest's deactivation it is asserted (a line, an edge, a message), queued (on
an ap_list), in a List Register, active (acknowledged by the guest), completed (EOI without
deactivation) and then idle again; a timer is armed before. What a later stage takes back (a fold, a
line that falls) is told too.
"""

from collections.abc import Callable
from typing import Any

from model import facts
from model.facts import Fact

__all__ = ["ARMED", "IDLE", "MILESTONES", "STAGES", "milestone_of", "next_stage"]

IDLE, ARMED, ASSERTED, QUEUED, IN_LR, ACTIVE, COMPLETED = (
    "idle", "armed", "asserted", "queued", "in LR", "active", "completed",
)  # fmt: skip
STAGES = (IDLE, ARMED, ASSERTED, QUEUED, IN_LR, ACTIVE, COMPLETED)

Test = Callable[[Any], bool]


def always(_fact: Any) -> bool:
    """Accept any fact of its kind."""
    return True


def high(fact: Any) -> bool:
    """Accept a level that is high."""
    return bool(fact.level)


def loaded(fact: Any) -> bool:
    """Accept a List Register that then holds something."""
    return bool(fact.after.state)


MILESTONES: dict[str, dict[type[Fact], Test]] = {
    "asserted": {
        facts.LineChanged: high,
        facts.EdgeArrived: always,
        facts.DeviceRaised: always,
        facts.SgiSent: always,
        facts.Injected: high,
    },
    "host_acked": {facts.AckedByHost: always},
    "injected": {facts.Injected: high},
    "queued": {facts.Queued: always},
    "in_lr": {facts.LrWritten: loaded},
    "acked": {facts.AckedByGuest: always},
    "completed": {facts.Completed: always},
    "deactivated": {facts.DeactivatedByGuest: always, facts.Emulated: always},
}
"""What is noted of a life: the first fact of one of these kinds that passes its test."""

BY_KIND: dict[type[Fact], list[tuple[str, Test]]] = {}
for _name, _kinds in MILESTONES.items():
    for _kind, _test in _kinds.items():
        BY_KIND.setdefault(_kind, []).append((_name, _test))


def milestone_of(fact: Fact) -> list[str]:
    """Return the milestones that a fact is, if it comes first."""
    return [name for name, test in BY_KIND.get(type(fact), ()) if test(fact)]


def next_stage(stage: str, fact: Any) -> str:
    """Return the stage that an interrupt is in after a fact about it."""
    match fact:
        case facts.GuestTimer():
            waiting = stage in (IDLE, ARMED)
            return (ARMED if fact.ctl & 1 else IDLE) if waiting else stage
        case facts.DeactivatedByGuest() | facts.Emulated():
            return IDLE
        case facts.AckedByGuest():
            return ACTIVE
        case facts.Completed():
            return COMPLETED
        case facts.LrWritten() if fact.after.state:
            return ACTIVE if fact.after.state & 2 else IN_LR
        case facts.LrWritten():
            return QUEUED if stage == IN_LR else stage
        case facts.Queued():
            return QUEUED if stage in (IDLE, ARMED, ASSERTED) else stage
        case facts.Unqueued():
            return IDLE if stage == QUEUED else stage
        case facts.LineChanged() | facts.Injected() if not fact.level:
            return IDLE if stage == ASSERTED else stage
        case _ if "asserted" in milestone_of(fact):
            return ASSERTED if stage in (IDLE, ARMED) else stage
    return stage
