"""The two orders that an execution follows where nothing is chosen, and that departures are from.

*Calm*: what is in flight arrives at once, handlers and soft timers run to their end, then the
thread that ran last goes on; time passes and devices speak only when nothing else can go. *Stay*:
who runs goes on as long as it can, and only then another; what is in flight waits. Neither ever
lets an optional stimulus come.
"""

from collections.abc import Sequence
from typing import Final

from harness.engine.slot import Slot

__all__ = ["CALM", "STAY", "Order"]

CALM, STAY = "calm", "stay"

MESSAGES, HANDLERS, SOFT_TIMERS, THREADS, REST = range(5)
RANKS: Final = {
    "line": MESSAGES,
    "ptimer-line": MESSAGES,
    "deactivations": MESSAGES,
    "pin": MESSAGES,
    "maintenance": MESSAGES,
    "writes": MESSAGES,
    "ipis": MESSAGES,
    "edge": MESSAGES,
    "event": MESSAGES,
    "host-irq": HANDLERS,
    "soft-timer": SOFT_TIMERS,
    "worker": SOFT_TIMERS,
    "vcpu": THREADS,
    "user-space": THREADS,
    "clock": REST,
    "device": REST,
    "passthrough": REST,
    "software": THREADS,
    "host-scheduler": REST,
}
"""Which kinds of actors go before which; one that is not named here goes with the threads."""


class Order:
    """An order of the tasks of a world.

    One instance serves one execution after the other, once :meth:`begin` was called.

    Args:
        name: :data:`CALM` or :data:`STAY`.
        slots: the world's tasks.

    """

    def __init__(self, name: str, slots: Sequence[Slot]) -> None:
        self.name = name
        self.stays = name == STAY
        ranks = [RANKS.get(slot.actor.kind, THREADS) for slot in slots]
        numbers = [n for n, slot in enumerate(slots) if not slot.optional]
        numbers.sort(key=lambda n: (ranks[n], n))
        self.ranked = tuple((slots[n], 1 << n, ranks[n]) for n in numbers)
        """Those that it ever lets go, first the first."""
        self.ranks = tuple(ranks)
        self.known: dict[tuple[int, int, int], Slot | None] = {}
        self.begin()

    def begin(self) -> None:
        """Forget who ran."""
        self.last = -1
        """The task that goes on, in the order that stays: the clock and stimuli never do."""
        self.thread = -1
        """The thread that ran last."""

    def ran(self, index: int) -> None:
        """Note that the task of this number (from 0) makes a step."""
        rank = self.ranks[index]
        if rank == REST:
            return
        if self.stays:
            self.last = index
        if rank == THREADS:
            self.thread = index

    def next(self, enabled: int) -> Slot | None:
        """Return who goes, of the tasks whose bits are in ``enabled``; None: nobody it lets go."""
        key = (enabled, self.last, self.thread)
        try:
            return self.known[key]
        except KeyError:
            found = self.known[key] = self.find(*key)
            return found

    def find(self, enabled: int, last: int, thread: int) -> Slot | None:
        """Return who goes after the tasks numbered ``last`` and ``thread`` (-1: nobody ran)."""
        best: Slot | None = None
        best_rank = REST + 1
        for slot, bit, rank in self.ranked:
            if not bit & enabled:
                continue
            number = bit.bit_length() - 1
            if self.stays and number == last:
                return slot
            if rank < best_rank or (rank == best_rank == THREADS and number == thread):
                best, best_rank = slot, rank
        return best

    @property
    def state(self) -> tuple[int, int]:
        """What it remembers: with the state of the execution it decides who goes from here on."""
        return self.last, self.thread
