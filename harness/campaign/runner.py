"""Runs a campaign: deals out batches, and adds results up in the order of their schedules.

Results arrive in any order and are merged in order, and what lies behind an entry's first failing
schedule does not count. So figures and findings are the same for any number of processes. What is
found is told as soon as it is, whether it will count or not (:class:`Listener`).
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from harness.campaign.batches import Batch, BatchResult, Finding, Lost
from harness.campaign.crash import lost
from harness.campaign.events import Events
from harness.campaign.interrupt import Interrupts
from harness.campaign.lane import Lane
from harness.campaign.plan import Plan
from harness.campaign.pool import Pool
from harness.campaign.pools import make_pool
from harness.campaign.summary import Again, Campaign, Tally

__all__ = ["Listener", "Silent", "run_campaign"]

POLL_SECONDS = 0.2
GRACE_SECONDS = 3.0
"""How long workers may take to answer a Ctrl-C."""

Progress = Callable[[Campaign], None]


class Listener(Protocol):
    """Hears of everything a campaign comes to, at once, so that no end of it can lose that."""

    def found(self, entry: int, finding: Finding) -> None:
        """An execution of an entry failed. It may be told twice, where a worker died."""

    def ran(self, result: BatchResult) -> None:
        """A batch came in."""


class Silent:
    """Listens to nothing."""

    def found(self, entry: int, finding: Finding) -> None:
        """Do nothing."""

    def ran(self, result: BatchResult) -> None:
        """Do nothing."""


class Runner:
    """One campaign under way."""

    def __init__(
        self,
        campaign: Campaign,
        lanes: list[Lane],
        pool: Pool,
        interrupts: Interrupts,
        listener: Listener,
    ) -> None:
        self.plan = campaign.plan
        self.pool = pool
        self.campaign = campaign
        self.interrupts = interrupts
        self.listener = listener
        self.events = Events(self.plan)
        self.lanes = lanes
        self.under_way: set[tuple[int, int]] = set()
        self.kept: deque[Batch] = deque()
        self.again: dict[int, Again] = {}
        """Kept failures that are to be run first, and those that were, by the batch's number."""
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
            for result in self.pool.take(POLL_SECONDS):
                self.take(result)
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
        self.campaign.again = [again for again in self.again.values() if again.ran]

    def crashed(self) -> list[Lane]:
        """Return the entries that crashed, the one whose batch was dealt out first in front."""
        lanes = [lane for lane in self.lanes if lane.crash is not None]
        return sorted(lanes, key=lambda lane: self.numbers[lane.entry, lane.crashed_at])

    def deal(self) -> None:
        """Keep the pool busy."""
        while len(self.under_way) < self.pool.depth:
            if self.kept and not self.interrupts.seen and not self.crashed():
                self.send(self.kept.popleft())
                continue
            left = None
            if self.plan.deadline is not None:
                left = self.plan.deadline - time.monotonic()
            lane = self.choose(left)
            if lane is None or self.interrupts.seen or self.campaign.crash is not None:
                return
            if self.crashed():
                return
            batch = lane.next_batch(left, self.pool.depth)
            self.events.dealt(batch.entry)
            self.send(batch)

    def send(self, batch: Batch) -> None:
        """Give a batch to the pool, and number it."""
        self.numbers[batch.entry, batch.first] = len(self.numbers)
        self.under_way.add((batch.entry, batch.first))
        self.pool.submit(batch)

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

    def take(self, result: BatchResult | Lost) -> None:
        """Take in a result, or that there will be none."""
        if isinstance(result, Lost):
            batch = result.batch
            spec = self.plan.specs[batch.entry]
            crash = lost(spec, result.why)
            result = BatchResult(batch.entry, batch.first, batch.count, batch.stride, crash=crash)
        else:
            self.listener.ran(result)
        self.under_way.discard((result.entry, result.first))
        if result.first < 0:
            self.take_again(result)
            return
        lane = self.lanes[result.entry]
        lane.take(result, keep_going=self.plan.keep_going)
        self.events.took(result, lane.tally)
        self.settle()

    def take_again(self, result: BatchResult) -> None:
        """Take in how a kept failure went."""
        if result.crash is not None:
            self.campaign.crash = self.campaign.crash or result.crash
            self.pool.stop()
        elif result.done:
            finding = result.findings[0] if result.findings else None
            known = self.again[result.first]
            self.again[result.first] = msgspec.structs.replace(known, finding=finding, ran=True)

    def try_again(self, kept: Sequence[tuple[int, str, tuple[str, ...]]]) -> None:
        """Note kept failures, to be run first: entry, id, and the schedules of each."""
        for number, (entry, name, schedules) in enumerate(kept, 1):
            self.kept.append(Batch(entry, -number, 1, k=1, again=schedules))
            self.again[-number] = Again(entry, name)

    def settle(self) -> None:
        """Take the crash that counts, once all that was dealt out before it has come in.

        So it is the same one whichever process is first to report.
        """
        crashed = self.crashed()
        if not crashed or self.campaign.crash is not None:
            return
        first = self.numbers[crashed[0].entry, crashed[0].crashed_at]
        if all(self.numbers[key] > first for key in self.under_way):
            self.campaign.crash = crashed[0].crash
            self.pool.stop()

    def is_stuck(self) -> bool:
        """Tell whether workers had their time to stop and did not."""
        if self.give_up is None:
            self.give_up = time.monotonic() + GRACE_SECONDS
        return bool(self.under_way) and time.monotonic() >= self.give_up


def run_campaign(
    plan: Plan,
    interrupts: Interrupts,
    progress: Progress,
    listener: Listener | None = None,
    before: "list[list[BatchResult]] | None" = None,
    kept: "Sequence[tuple[int, str, tuple[str, ...]]]" = (),
) -> Campaign:
    """Run a campaign to its end, its deadline, a crash or a Ctrl-C, and return what it came to.

    Args:
        plan: what is to be run, with its budget.
        interrupts: who answers Ctrl-C; the first one asks the workers to stop.
        progress: called now and then with what has come in.
        listener: is told of everything as it comes.
        before: the results of each entry that the campaign has already, when it goes on.
        kept: failures of before, to be run first: entry, id and schedules of each.

    Raises:
        UsageError: a variant or a scenario that the plan names cannot be had.
        KeyboardInterrupt: a Ctrl-C that ``interrupts`` does not answer.
    """
    began = time.monotonic()
    tallies = [Tally.of(plan, entry) for entry in range(len(plan.specs))]
    campaign = Campaign(plan=plan, tallies=tallies)
    lanes = [Lane(plan, i, tally) for i, tally in enumerate(tallies)]
    for lane, results in zip(lanes, before or (), strict=False):
        lane.resume(results, keep_going=plan.keep_going)
    runner: Runner | None = None
    told = listener or Silent()
    try:
        with make_pool(plan, told.found) as pool:
            interrupts.on_first = pool.stop
            runner = Runner(campaign, lanes, pool, interrupts, told)
            runner.try_again(kept)
            if interrupts.seen:
                pool.stop()
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
