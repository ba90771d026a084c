"""Merging: results in any order come to the same sums and the same first failure."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from itertools import permutations

import pytest

from harness.campaign.crash import Crash
from harness.campaign.interrupt import Interrupts
from harness.campaign.plan import Plan
from harness.campaign.runner import Lane, Runner
from harness.campaign.summary import KEPT_MAX, Campaign, Tally
from harness.campaign.workers import Batch, BatchResult, Finding, Stop
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
    lane = Lane(0, budget, Tally.make(SPEC, 3))
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


def test_a_budget_is_dealt_out_exactly_once() -> None:
    one = Lane(0, 150, Tally.make(SPEC, 3))
    batches = []
    while one.wants():
        batches.append(one.next_batch(None))
    assert [(b.first, b.count) for b in batches] == [(0, 64), (64, 64), (128, 22)]


def test_states_are_counted_over_executions() -> None:
    tally = Tally.make(SPEC, 3)
    tally.add(result(0, 4))
    assert tally.times_reached("slept with the timer armed") == 4
    assert "guest acknowledged" in tally.unmet
    assert tally.verdict == "inconclusive"
    assert "more schedules" in tally.reasons()[0]


class Slow:
    """A pool that answers when it is told to."""

    depth = 3

    def __init__(self) -> None:
        self.stop: Stop = threading.Event()
        self.futures: dict[int, Future[BatchResult]] = {}

    def submit(self, batch: Batch) -> Future[BatchResult]:
        self.futures[batch.first] = Future()
        return self.futures[batch.first]

    def kill(self) -> None:
        raise AssertionError("nobody is stuck")


@pytest.mark.parametrize("order", list(permutations((0, 64, 128))))
def test_the_lowest_crash_counts_whoever_reports_first(order: tuple[int, ...]) -> None:
    plan = Plan(specs=(SPEC,), seed=1, schedules=400)
    campaign = Campaign(plan=plan, tallies=[Tally.make(SPEC, 3)])
    pool = Slow()
    runner = Runner(plan, pool, campaign, Interrupts())
    runner.deal()
    for first in order:
        done = result(first, 64)
        if first:
            done.done, done.crash = 5, Crash(f"at {first + 5}", "", usage=True)
        pool.futures[first].set_result(done)
        assert not pool.stop.is_set()
        runner.take(pool.futures[first])
        runner.deal()
        if pool.stop.is_set():
            break
    runner.finish()
    assert campaign.crash is not None
    assert campaign.crash.text == "at 69"
    assert campaign.verdict == "inconclusive"
    assert campaign.schedules == 69


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
    assert "more schedules" not in alone.reasons()[0]
    changed = Tally.make(RunSpec("timer-wfi", "v7.2", 2, 1, 4, (("gic_lag", "0"),)), 3)
    changed.add(result(0, 4))
    assert "out of reach with pcpus=2, gic_lag=0" in changed.reasons()[0]
