"""Merging: results in any order come to the same sums and the same first failure."""

from collections.abc import Iterable
from itertools import permutations

import pytest

from harness.campaign.batches import Batch, BatchResult, Finding, Lost
from harness.campaign.crash import Crash
from harness.campaign.interrupt import Interrupts
from harness.campaign.lane import Lane
from harness.campaign.plan import MEASURING, Plan, Shard
from harness.campaign.runner import Runner, Silent
from harness.campaign.summary import KEPT_MAX, Campaign, Tally
from harness.engine.execution import Violation
from harness.spec import RunSpec

SPEC = RunSpec("timer-wfi", "v7.2", 1, 1, 4)


def finding(index: int) -> Finding:
    return Finding(index, f"s{index}", 5, (Violation("I1", "broken", step=5),))


def result(first: int, done: int, failing: Iterable[int] = ()) -> BatchResult:
    return BatchResult(
        0, first, done=done, steps=10 * done, reached={3: done},
        findings=[finding(i) for i in failing],
    )  # fmt: skip


def lane(budget: int = 100) -> Lane:
    plan = Plan(specs=(SPEC,), seed=1, schedules=budget, strategy="random")
    lane = Lane(plan, 0, Tally.make(SPEC, 3))
    lane.under_way = 10
    return lane


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_first_failure_counts_whatever_comes_in_first(order: tuple[int, ...]) -> None:
    results = [result(0, 10), result(10, 5, [14]), result(20, 3, [22]), result(30, 10)]
    one = lane()
    for i in order:
        one.take(results[i], keep_going=False)
    assert one.closed
    assert one.tally.schedules == 15
    assert one.tally.steps == 150
    assert [f.index for f in one.tally.findings] == [14]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_keeping_going_takes_all(order: tuple[int, ...]) -> None:
    results = [result(0, 10, [3, 4]), result(10, 10, [14]), result(20, 10)]
    one = lane()
    for i in order:
        one.take(results[i], keep_going=True)
    assert not one.closed
    assert one.tally.schedules == 30
    assert [f.index for f in one.tally.findings] == [3, 4, 14]


def test_what_came_in_behind_a_cut_short_batch_is_not_lost() -> None:
    one = lane()
    one.take(result(10, 10, [12]), keep_going=True)
    one.take(result(0, 4), keep_going=True)
    assert one.tally.schedules == 4
    one.flush(keep_going=True)
    assert one.tally.schedules == 14
    assert [f.index for f in one.tally.findings] == [12]


def test_memory_is_bounded_and_the_count_is_exact() -> None:
    one = lane()
    one.take(result(0, 1000, range(1000)), keep_going=True)
    assert one.tally.broken == {"I1": 1000}
    assert len(one.tally.findings) == KEPT_MAX


def dealt(plan: Plan, depth: int = 2) -> list[Batch]:
    """All batches of a plan's first entry; each comes back at once."""
    one = Lane(plan, 0, Tally.make(SPEC, 3))
    batches = []
    while one.wants():
        batches.append(one.next_batch(None, depth))
        done = BatchResult(0, batches[-1].first, stride=batches[-1].stride, k=7)
        done.done = done.count = batches[-1].count
        one.take(done, keep_going=True)
    return batches


def test_a_budget_is_dealt_out_exactly_once() -> None:
    batches = dealt(Plan(specs=(SPEC,), seed=1, schedules=1500))
    assert [i for batch in batches for i in batch.indices] == list(range(1500))
    assert batches[0].count == MEASURING
    assert [batch.k for batch in batches] == [0] + [7] * (len(batches) - 1)
    counts = [batch.count for batch in batches[1:]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 256


def test_nothing_is_dealt_out_before_k_is_measured() -> None:
    one = Lane(Plan(specs=(SPEC,), seed=1, schedules=1500), 0, Tally.make(SPEC, 3))
    first = one.next_batch(None, 2)
    assert not one.wants()
    one.take(BatchResult(0, 0, count=first.count, done=first.count, k=9), keep_going=False)
    assert one.next_batch(None, 2).k == 9


@pytest.mark.parametrize("budget", [1, 20, 32, 33, 34, 100, 1001])
@pytest.mark.parametrize("of", [1, 2, 3, 40])
def test_shards_have_each_schedule_once_and_all_measure(budget: int, of: int) -> None:
    shards = [
        [i for b in dealt(Plan(specs=(SPEC,), seed=1, schedules=budget, shard=Shard(n, of)))
         for i in b.indices]
        for n in range(1, of + 1)
    ]  # fmt: skip
    common = list(range(min(MEASURING, budget)))
    assert all(shard[: len(common)] == common for shard in shards)
    own = [i for shard in shards for i in shard[len(common) :]]
    assert sorted(own) == list(range(len(common), budget))
    for n, shard in enumerate(shards):
        assert all(i % of == n for i in shard[len(common) :])


def test_what_goes_on_runs_what_is_missing_once() -> None:
    plan = Plan(specs=(SPEC,), seed=1, schedules=200)
    one = Lane(plan, 0, Tally.make(SPEC, 3))
    had = [
        BatchResult(0, 0, count=32, done=32, k=5), BatchResult(0, 64, count=32, done=30, k=5),
        BatchResult(0, 150, count=16, done=3, k=5, crash=Crash("x", "", usage=True)),
    ]  # fmt: skip
    one.resume(had, keep_going=True)
    assert one.tally.schedules == 32
    batches = []
    while one.wants():
        batches.append(one.next_batch(None, 2))
    assert sorted(i for batch in batches for i in batch.indices) == [
        *range(32, 64), *range(94, 200),
    ]  # fmt: skip


def test_a_measuring_batch_that_was_cut_short_is_run_again() -> None:
    one = Lane(Plan(specs=(SPEC,), seed=1, schedules=200), 0, Tally.make(SPEC, 3))
    one.resume([BatchResult(0, 0, count=32, done=31, k=5)], keep_going=True)
    assert one.next_batch(None, 2) == Batch(0, 0, 32)


def test_states_are_counted_over_executions() -> None:
    tally = Tally.make(SPEC, 3)
    tally.add(result(0, 4))
    assert tally.times_reached("slept with the timer armed") == 4
    assert "guest acknowledged" in tally.unmet
    assert tally.verdict == "inconclusive"
    assert "schedules of this entry" in tally.reasons()[0]


class Slow:
    """A pool that answers when it is told to."""

    depth = 3

    def __init__(self) -> None:
        self.stopped = False
        self.batches: dict[int, Batch] = {}

    def submit(self, batch: Batch) -> None:
        self.batches[batch.first] = batch

    def take(self, seconds: float) -> list[BatchResult | Lost]:
        return []

    def stop(self) -> None:
        self.stopped = True

    def kill(self) -> None:
        raise AssertionError("nobody is stuck")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_lowest_crash_counts_whoever_reports_first(order: tuple[int, ...]) -> None:
    plan = Plan(specs=(SPEC,), seed=1, schedules=400, strategy="random")
    campaign = Campaign(plan=plan, tallies=[Tally.of(plan, 0)])
    pool = Slow()
    lanes = [Lane(plan, 0, campaign.tallies[0])]
    runner = Runner(campaign, lanes, pool, Interrupts(), Silent())
    runner.deal()
    firsts = sorted(pool.batches)
    for which in order:
        batch = pool.batches[firsts[which]]
        done = result(batch.first, batch.count)
        done.count = batch.count
        if which:
            done.done, done.crash = 5, Crash(f"at {batch.first + 5}", "", usage=True)
        runner.take(done)
        runner.deal()
        if pool.stopped:
            break
    runner.finish()
    assert campaign.crash is not None
    assert campaign.crash.text == f"at {firsts[1] + 5}"
    assert campaign.verdict == "inconclusive"
    assert campaign.schedules == firsts[1] + 5


def test_a_crash_behind_a_failure_does_not_count() -> None:
    one = lane()
    late = result(10, 2)
    late.crash = Crash("later", "", usage=True)
    one.take(late, keep_going=False)
    assert not one.wants()
    one.take(result(0, 10, [9]), keep_going=False)
    assert one.closed
    assert one.crash is None


def test_an_interrupted_campaign_is_not_clean() -> None:
    plan = Plan(specs=(SPEC,), seed=1, schedules=400)
    assert Campaign(plan=plan, tallies=[], interrupted=True).verdict == "inconclusive"
    broken = Tally.make(SPEC, 3)
    broken.add(result(0, 4, [2]))
    assert Campaign(plan=plan, tallies=[broken], interrupted=True).verdict == "violated"


def test_advice_does_not_promise_what_sizes_and_strategy_forbid() -> None:
    alone = Tally.make(SPEC, 3, "round-robin")
    alone.add(result(0, 1))
    assert "schedules of this entry" not in alone.reasons()[0]
    changed = Tally.make(RunSpec("timer-wfi", "v7.2", 2, 1, 4, (("gic_lag", "0"),)), 3)
    changed.add(result(0, 4))
    assert "out of reach with pcpus=2, gic_lag=0" in changed.reasons()[0]
