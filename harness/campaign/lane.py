"""One entry of a campaign on its way: what was dealt out, what came in, what waits for its turn."""

from collections.abc import Iterable

from harness.campaign.batches import Batch, BatchResult
from harness.campaign.crash import Crash
from harness.campaign.order import Order
from harness.campaign.plan import Plan
from harness.campaign.summary import Tally

__all__ = ["BATCH_SECONDS", "Lane"]

BATCH_SECONDS = 0.3
BATCH_LEAST, BATCH_MOST = 16, 256
"""Schedules in a batch when their number is given: large ones first, small ones at the end."""
FIRST_MOST = 8
"""Schedules in a batch while an entry's rate is unknown."""


class Lane:
    """One entry on its way: what was dealt out, what came back, what waits for its turn.

    ``dealt``, ``returned`` and ``merged`` count schedules, ``under_way`` batches; ``seconds`` is
    the time that workers spent. ``waiting`` holds results by the place of their first schedule
    until all before them have been merged; a ``closed`` lane takes no more. ``gaps`` are places
    that a campaign which goes on has left out, from one to before another.
    """

    def __init__(self, plan: Plan, entry: int, tally: Tally) -> None:
        self.entry = entry
        self.order = Order(plan, entry)
        self.tally = tally
        self.k = 0 if self.order.common else 1
        """What was measured; 0 until it has been."""
        self.dealt = 0
        self.under_way = 0
        self.merged = 0
        self.closed = False
        self.crash: Crash | None = None
        self.crashed_at = 0
        self.waiting: dict[int, BatchResult] = {}
        self.gaps: list[tuple[int, int]] = []
        self.returned = 0
        self.seconds = 0.0

    def wants(self) -> bool:
        """Tell whether there is anything left to deal out, and it can be dealt out by now."""
        if self.closed or any(result.crash is not None for result in self.waiting.values()):
            return False
        if self.dealt and not self.k:
            return False  # the measuring batch is under way, or was cut short
        return bool(self.gaps) or self.order.size is None or self.dealt < self.order.size

    def load(self) -> float:
        """Return how far this entry is: a share of its budget (0 to 1), or seconds spent.

        Time is given twice as fast to an entry that has states left to reach.
        """
        if self.order.size is not None:
            return self.dealt / self.order.size
        spent = self.seconds + self.under_way * BATCH_SECONDS
        return spent / 2 if self.tally.unmet else spent

    def next_batch(self, seconds_left: float | None, depth: int) -> Batch:
        """Deal out the next schedules.

        Args:
            seconds_left: how much is left until the deadline: then it is what 0.3 s will do. None
                when there is none: then it is a share of what is left of the budget.
            depth: how many batches are under way at once.
        """
        first, end = self.gaps.pop(0) if self.gaps else (self.dealt, self.order.size)
        if not self.k:
            count = self.order.common
        elif seconds_left is not None:
            rate = self.returned / max(self.seconds, 1e-6)
            count = max(1, int(rate * min(BATCH_SECONDS, seconds_left)))
            count = count if self.returned else FIRST_MOST
        else:
            left = 0 if self.order.size is None else self.order.size - self.dealt
            count = min(max(left // (2 * depth), BATCH_LEAST), BATCH_MOST)
        if end is not None and first + count < end and first < self.dealt:
            self.gaps.insert(0, (first + count, end))
        count = count if end is None else min(count, end - first)
        self.dealt = max(self.dealt, first + count)
        self.under_way += 1
        stride = 1 if first < self.order.common else self.order.stride
        return Batch(self.entry, self.order.index(first), count, stride, self.k)

    def take(self, result: BatchResult, *, keep_going: bool) -> None:
        """Take a result, and merge all whose turn it is."""
        self.under_way -= 1
        self.note(result)
        self.merge_ready(keep_going=keep_going)

    def note(self, result: BatchResult) -> None:
        """Note a result, to be merged when it is its turn."""
        self.returned += result.done
        self.seconds += result.seconds
        place = self.order.place(result.first)
        if not place and result.done == self.order.common:
            self.k = result.k
        self.waiting[place] = result

    def merge_ready(self, *, keep_going: bool) -> None:
        """Merge all whose turn it is."""
        while not self.closed and self.merged in self.waiting:
            ready = self.waiting.pop(self.merged)
            self.merge(ready, keep_going=keep_going)

    def merge(self, result: BatchResult, *, keep_going: bool) -> None:
        """Add a result; the first failure or crash closes the entry."""
        self.tally.add(result)
        self.merged += result.done
        failed = bool(result.findings) and not keep_going
        if result.crash is not None and not failed:
            self.crash, self.crashed_at = result.crash, result.first
        if failed or self.crash is not None:
            self.closed = True
            self.waiting.clear()

    def flush(self, *, keep_going: bool) -> None:
        """Merge what came in behind a batch that was cut short."""
        for first in sorted(self.waiting):
            if not self.closed:
                self.merge(self.waiting[first], keep_going=keep_going)
        self.waiting.clear()

    def resume(self, results: Iterable[BatchResult], *, keep_going: bool) -> None:
        """Take what a campaign has run already, before anything is dealt out.

        What is missing is dealt out first. A measuring batch that was cut short is run again as a
        whole, and so is a batch that crashed.
        """
        for result in sorted(results, key=lambda result: self.order.place(result.first)):
            place = self.order.place(result.first)
            failed = bool(result.findings) and not keep_going
            short = place < self.order.common and result.done < self.order.common and not failed
            if result.crash is not None or short or place < self.dealt or not result.done:
                continue
            if place > self.dealt:
                self.gaps.append((self.dealt, place))
            self.dealt = place + result.done
            self.note(result)
        self.merge_ready(keep_going=keep_going)
