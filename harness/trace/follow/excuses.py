"""Differences that are known to be none of the model's: what a trace does not show.

Each has a condition, so that it excuses no more than its reason says; a test shows for each that
without it there would be a difference.
"""

from collections.abc import Callable
from typing import NamedTuple

from harness.trace.follow.tally import Difference, Situation

__all__ = ["EXCUSES", "Excuse", "excuse", "none"]


class Excuse(NamedTuple):
    """Why a difference in decisions of ``kind`` is no fault, where ``applies`` holds."""

    id: str
    kind: str
    reason: str
    applies: Callable[[Difference, Situation], bool]


EXCUSES = (
    Excuse(
        "distributor-off",
        "queue to kick",
        "GICD_CTLR is not followed: while a guest has not enabled its distributor, nothing that "
        "is queued goes anywhere; that ends with the first List Register",
        lambda d, now: d.seen == "no kick" and not now.delivered,
    ),
    Excuse(
        "timer-from-user",
        "timer restored",
        "user space may write the timer's registers (KVM_SET_ONE_REG), which is in no event; the "
        "VCPU was there between put and load",
        lambda _d, now: now.from_user,
    ),
)


def excuse(difference: Difference, now: Situation) -> str:
    """Return the id of the excuse that a difference has; "": none."""
    for each in EXCUSES:
        if each.kind == difference.kind and each.applies(difference, now):
            return each.id
    return ""


def none(difference: Difference, now: Situation) -> str:
    """Excuse nothing."""
    return ""
