"""What was compared, what could not be, and what differed."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from harness.trace.line import Record

__all__ = ["NOT_SHOWN", "Difference", "Excuser", "Situation", "Tally"]

KEPT = 50
"""So many differences of each kind are kept; the rest is counted."""

REMEMBERED = 10_000
"""So many differences can be withdrawn."""
NOT_SHOWN = {
    "priority": "priorities are learnt from the List Registers only",
    "priority mask": "what the guest's priority mask holds back is in no event",
    "GICv2 source": "which VCPUs sent a GICv2 SGI is in no event",
    "EOIcount": "ICH_HCR_EL2.EOIcount is in no event",
    "list contents": "what is on which ap_list is learnt from its effects only",
    "List Registers beyond four": "the kprobe events print four",
    "the lock order": "no event shows a lock",
    "modes": "vcpu->mode is in no event",
}
"""What a trace may not show, so that no decision about it is compared."""


class Told(Protocol):
    """What can say in what state it is."""

    def told_state(self) -> str:
        """Return the state as a reader wants it."""


State = str | Told
"""A state, or what has one: it is asked only where there is a difference."""


class Difference(msgspec.Struct, frozen=True):
    """One decision that the kernel made otherwise than the model.

    ``kind`` is that of the decision, ``expected`` the model's and ``seen`` the kernel's; ``state``
    is the software state before it. ``excuse`` names the reason why it is none of the model's.
    """

    kind: str
    line: int
    time: int
    event: str
    vcpu: int
    intid: int
    expected: str
    seen: str
    state: str
    excuse: str = ""

    def seconds(self) -> float:
        """Return when it was, in seconds of the trace's clock."""
        return self.time / 10**9

    def at(self) -> str:
        """Return when it was, as the trace has it."""
        return f"{self.time // 10**9}.{self.time // 1000 % 10**6:06}"

    def text(self) -> str:
        """Return it as one line."""
        whose = f"VCPU {self.vcpu}" if self.vcpu >= 0 else "the VM"
        what = f" vINTID {self.intid}" if self.intid >= 0 else ""
        state = f"; state before: {self.state}" if self.state else ""
        return (
            f"line {self.line}, {self.at()}, {self.event}: {self.kind} of {whose}{what}: "
            f"expected {self.expected}, seen {self.seen}{state}"
        )


class Situation:
    """What excuses ask for besides the difference itself.

    ``delivered``: something was put into a List Register before. ``from_user``: the VCPU that is
    loaded comes from user space.
    """

    __slots__ = ("delivered", "from_user")

    def __init__(self) -> None:
        self.delivered = False
        self.from_user = False


Excuser = Callable[[Difference, Situation], str]


class Tally:
    """Counts decisions by kind: equal, different, and not to be compared, with the reason.

    ``shown`` is what of :data:`NOT_SHOWN` this trace shows nevertheless.
    """

    def __init__(self, excuser: Excuser) -> None:
        self.excuser = excuser
        self.equal: Counter[str] = Counter()
        self.not_compared: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        self.differences: list[Difference] = []
        self.pardoned: list[Difference] = []
        self.found: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)
        self.record: Record | None = None
        self.situation = Situation()
        self.shown: set[str] = set()

    def unknown(self, kind: str, why: str) -> None:
        """Count a decision that could not be compared, and why."""
        self.not_compared[kind, why] += 1

    def compare(
        self,
        kind: str,
        expected: object,
        seen: object,
        vcpu: int,
        intid: int = -1,
        state: State = "",
    ) -> bool:
        """Count a decision; return whether the kernel's is the model's."""
        if expected == seen:
            self.equal[kind] += 1
            return True
        self.differ(kind, str(expected), str(seen), vcpu, intid, state)
        return False

    def differ(
        self, kind: str, expected: str, seen: str, vcpu: int, intid: int = -1, state: State = ""
    ) -> None:
        """Count a decision that the kernel made otherwise."""
        record = self.record
        assert record is not None, "something was read"
        difference = Difference(
            kind, record.line, record.time, type(record.event).__name__, vcpu, intid, expected,
            seen, state if isinstance(state, str) else state.told_state(),
        )  # fmt: skip
        excuse = self.excuser(difference, self.situation)
        if excuse:
            self.excused[excuse] += 1
            if self.excused[excuse] <= KEPT:
                self.pardoned.append(msgspec.structs.replace(difference, excuse=excuse))
            return
        self.counts[kind] += 1
        self.found.append((kind, record.line))
        if self.counts[kind] <= KEPT:
            self.differences.append(difference)

    def withdraw(self, since: int) -> None:
        """Count the differences after line ``since`` no more: events had been lost by then."""
        while self.found and self.found[-1][1] > since:
            kind, _ = self.found.pop()
            self.counts[kind] -= 1
            self.unknown(kind, "events were lost meanwhile")
        self.counts = +self.counts
        self.differences = [d for d in self.differences if d.line <= since]

    @property
    def compared(self) -> int:
        """How many decisions were compared."""
        return self.equal.total() + self.counts.total() + self.excused.total()
