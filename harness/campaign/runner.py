"""Runs a campaign: deals out batches, and adds results up in the order of their schedules.

Results arrive in any order and are merged in order, and what lies behind an entry's first failing
schedule does not count. So figures and findings are the same for any number of processes.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

from harness.campaign.crash import Crash
from harness.campaign.events import Events
from harness.campaign.interrupt import Interrupts
from harness.campaign.plan import Plan
from harness.campaign.pool import Pool, make_pool
from harness.campaign.summary import Campaign, Tally
from harness.campaign.workers import Batch, BatchResult

__all__ = ["BATCH_SECONDS", "run_campaign"]

BATCH_SECONDS = 0.3
BATCH_MAX = 64
"""Schedules in a batch when their number is given: fixed, so that batches do not hang on speed."""
FIRST_MAX = 8
"""Schedules in a batch while an entry's rate is unknown."""
POLL_SECONDS = 0.2
GRACE_SECONDS = 3.0
"""How long workers may take to answer a Ctrl-C."""

Progress = Callable[[Campaign], None]


class Lane:
    """One entry on its way: what was dealt out, what came back, what waits for its turn.

    ``dealt``, ``returned`` and ``merged`` count schedules, ``under_way`` batches; ``seconds`` is
    the time that workers spent. ``waiting`` holds results by their first schedule until all before
    them have been merged; a ``closed`` lane takes no more.
    """

    def __init__(self, entry: int, budget: int | None, tally: Tally) -> None:
        self.entry = entry
        self.budget = budget
        self.tally = tally
        self.dealt = 0
        self.under_way = 0
        self.merged = 0
        self.closed = False
        self.crash: Crash | None = None
        self.crashed_at = 0
        self.waiting: dict[int, BatchResult] = {}
        self.returned = 0
        self.seconds = 0.0

    def wants(self) -> bool:
        """Tell whether there is anything left to deal out."""
        if self.closed or any(result.crash is not None for result in self.waiting.values()):
            return False
        return self.budget is None or self.dealt < self.budget

    def load(self) -> float:
        """Return how far this entry is: a share of its budget (0 to 1), or seconds spent.

        Time is given twice as fast to an entry that has states left to reach.
        """
        if self.budget is not None:
            return self.dealt / self.budget
        spent = self.seconds + self.under_way * BATCH_SECONDS
        return spent / 2 if self.tally.unmet else spent

    def next_batch(self, seconds_left: float | None) -> Batch:
        """Deal out the next schedules: a fixed number, or with a deadline what 0.3 s will do.

        ``seconds_left`` is how much is left until the deadline; None when there is none.
        """
        if seconds_left is None:
            count = BATCH_MAX
        elif not self.returned:
            count = FIRST_MAX
        else:
            rate = self.returned / max(self.seconds, 1e-6)
            count = max(1, int(rate * min(BATCH_SECONDS, seconds_left)))
        if self.budget is not None:
            count = min(count, self.budget - self.dealt)
        batch = Batch(self.entry, self.dealt, count)
        self.dealt += count
        self.under_way += 1
        return batch

    def take(self, result: BatchResult, *, keep_going: bool) -> None:
        """Take a result, and merge all whose turn it is."""
        self.under_way -= 1
        self.returned += result.done
        self.seconds += result.seconds
        self.waiting[result.first] = result
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


class Runner:
    """One campaign under way."""

    def __init__(self, plan: Plan, pool: Pool, campaign: Campaign, interrupts: Interrupts) -> None:
        self.plan = plan
        self.pool = pool
        self.campaign = campaign
        self.interrupts = interrupts
        self.events = Events(plan)
        self.lanes = [Lane(i, plan.budget(i), tally) for i, tally in enumerate(campaign.tallies)]
        self.under_way: dict[Future[BatchResult], Batch] = {}
        self.numbers: dict[tuple[int, int], int] = {}
        """Batches, by entry and first schedule, numbered as they were dealt out."""
        self.give_up: float | None = None

    def run(self, progress: Progress) -> None:
        """Deal out and take in until nothing is left or someone says stop.

        ``progress`` is called about every 0.2 s, with what has been merged so far.
        """
        self.events.begin()
        while True:
            self.deal()
            if not self.under_way:
                break
            done, _ = wait(self.under_way, POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                self.take(future)
            progress(self.campaign)
            self.events.progress(self.campaign)
            if self.interrupts.seen and self.is_stuck():
                self.pool.kill()
                break

    def finish(self) -> None:
        """Merge what is left, and settle which crash counts."""
        for lane in self.lanes:
            lane.flush(keep_going=self.plan.keep_going)
            self.events.findings(lane.entry, lane.tally)
        if self.campaign.crash is None and (crashed := self.crashed()):
            self.campaign.crash = crashed[0].crash

    def crashed(self) -> list[Lane]:
        """Return the entries that crashed, the one whose batch was dealt out first in front."""
        lanes = [lane for lane in self.lanes if lane.crash is not None]
        return sorted(lanes, key=lambda lane: self.numbers[lane.entry, lane.crashed_at])

    def deal(self) -> None:
        """Keep the pool busy."""
        while len(self.under_way) < self.pool.depth:
            left = None
            if self.plan.deadline is not None:
                left = self.plan.deadline - time.monotonic()
            lane = self.choose(left)
            if lane is None or self.interrupts.seen or self.campaign.crash is not None:
                return
            if self.crashed():
                return
            batch = lane.next_batch(left)
            self.events.dealt(batch.entry)
            self.numbers[batch.entry, batch.first] = len(self.numbers)
            try:
                self.under_way[self.pool.submit(batch)] = batch
            except BrokenProcessPool:
                self.fall(batch)
                return

    def choose(self, seconds_left: float | None) -> Lane | None:
        """Choose the entry that is furthest behind; past the deadline, one that had no turn.

        Returns None when no entry wants more, or time is up.
        """
        lanes = [lane for lane in self.lanes if lane.wants()]
        if seconds_left is not None and not self.plan.keep_going:
            # In a given time, what is known to be broken gets no more of it in other scenarios.
            broken = [self.variant(lane) for lane in self.lanes if lane.closed]
            lanes = [x for x in lanes if not x.dealt or self.variant(x) not in broken]
        if seconds_left is not None and seconds_left <= 0:
            lanes = [lane for lane in lanes if not lane.dealt]
        return min(lanes, key=Lane.load, default=None)

    def variant(self, lane: Lane) -> str:
        """Return the variant of an entry."""
        return self.plan.specs[lane.entry].variant

    def take(self, future: "Future[BatchResult]") -> None:
        """Take in a result."""
        batch = self.under_way.pop(future)
        try:
            result = future.result()
        except BrokenProcessPool:
            self.fall(batch)
            return
        lane = self.lanes[batch.entry]
        lane.take(result, keep_going=self.plan.keep_going)
        self.events.took(result, lane.tally)
        self.settle()

    def settle(self) -> None:
        """Take the crash that counts, once all that was dealt out before it has come in.

        So it is the same one whichever process is first to report.
        """
        crashed = self.crashed()
        if not crashed or self.campaign.crash is not None:
            return
        first = self.numbers[crashed[0].entry, crashed[0].crashed_at]
        if all(self.numbers[b.entry, b.first] > first for b in self.under_way.values()):
            self.campaign.crash = crashed[0].crash
            self.pool.stop.set()

    def fall(self, batch: Batch) -> None:
        """Note that a worker process is gone."""
        if self.campaign.crash is None and not self.interrupts.seen:
            spec = self.plan.specs[batch.entry]
            text = (
                "a worker process ended abruptly (killed, or out of memory?) around scenario "
                f"{spec.scenario!r}, variant {spec.variant!r}"
            )
            self.campaign.crash = Crash(text, text, usage=False)

    def is_stuck(self) -> bool:
        """Tell whether workers had their time to stop and did not."""
        if self.give_up is None:
            self.give_up = time.monotonic() + GRACE_SECONDS
        return bool(self.under_way) and time.monotonic() >= self.give_up


def run_campaign(plan: Plan, interrupts: Interrupts, progress: Progress) -> Campaign:
    """Run a campaign to its end, its deadline, a crash or a Ctrl-C, and return what it came to.

    Args:
        plan: what is to be run, with its budget.
        interrupts: who answers Ctrl-C; the first one asks the workers to stop.
        progress: called now and then with what has come in.

    Raises:
        UsageError: a variant or a scenario that the plan names cannot be had.
        KeyboardInterrupt: a Ctrl-C that ``interrupts`` does not answer.
    """
    began = time.monotonic()
    tallies = [Tally.make(spec, plan.depth, plan.strategy) for spec in plan.specs]
    campaign = Campaign(plan=plan, tallies=tallies)
    runner: Runner | None = None
    try:
        with make_pool(plan) as pool:
            interrupts.on_first = pool.stop.set
            runner = Runner(plan, pool, campaign, interrupts)
            runner.run(progress)
    except KeyboardInterrupt:
        # The second Ctrl-C: whoever works is left alone, but what was found is kept.
        if not interrupts.seen:
            raise
    if runner is not None:
        runner.finish()
    campaign.interrupted = interrupts.seen
    campaign.seconds = time.monotonic() - began
    if runner is not None:
        runner.events.end(campaign)
    return campaign
