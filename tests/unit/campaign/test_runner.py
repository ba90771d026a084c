"""Merging: results in any order come to the same sums and the same first failure."""

from itertools import permutations

import pytest

from harness.campaign.runner import Lane
from harness.campaign.summary import KEPT_MAX, Tally
from harness.campaign.workers import BatchResult, Finding
from harness.engine.execution import Violation
from harness.spec import RunSpec

SPEC = RunSpec("timer-wfi", "lazy", 1, 1, 4)


def finding(index):
    return Finding(index, f"s{index}", 5, (Violation("I1", "broken", 5),))


def result(first, done, failing=()):
    return BatchResult(
        0, first, done=done, steps=10 * done, reached={3: done},
        findings=[finding(i) for i in failing],
    )  # fmt: skip


def lane(budget=100):
    lane = Lane(0, budget, Tally.make(SPEC, 3))
    lane.under_way = 10
    return lane


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_first_failure_counts_whatever_comes_in_first(order):
    results = [result(0, 10), result(10, 5, [14]), result(20, 3, [22]), result(30, 10)]
    one = lane()
    for i in order:
        one.take(results[i], keep_going=False)
    assert one.closed
    assert one.tally.schedules == 15
    assert one.tally.steps == 150
    assert [f.index for f in one.tally.findings] == [14]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_keeping_going_takes_all(order):
    results = [result(0, 10, [3, 4]), result(10, 10, [14]), result(20, 10)]
    one = lane()
    for i in order:
        one.take(results[i], keep_going=True)
    assert not one.closed
    assert one.tally.schedules == 30
    assert [f.index for f in one.tally.findings] == [3, 4, 14]


def test_what_came_in_behind_a_cut_short_batch_is_not_lost():
    one = lane()
    one.take(result(10, 10, [12]), keep_going=True)
    one.take(result(0, 4), keep_going=True)
    assert one.tally.schedules == 4
    one.flush(keep_going=True)
    assert one.tally.schedules == 14
    assert [f.index for f in one.tally.findings] == [12]


def test_memory_is_bounded_and_the_count_is_exact():
    one = lane()
    one.take(result(0, 1000, range(1000)), keep_going=True)
    assert one.tally.broken == {"I1": 1000}
    assert len(one.tally.findings) == KEPT_MAX


def test_a_budget_is_dealt_out_exactly_once():
    one = Lane(0, 150, Tally.make(SPEC, 3))
    batches = []
    while one.wants():
        batches.append(one.next_batch(None))
    assert [(b.first, b.count) for b in batches] == [(0, 64), (64, 64), (128, 22)]


def test_states_are_counted_over_executions():
    tally = Tally.make(SPEC, 3)
    tally.add(result(0, 4))
    assert tally.times_reached("slept with the timer armed") == 4
    assert "guest acknowledged" in tally.unmet
    assert tally.verdict == "inconclusive"
    assert "more schedules" in tally.reasons()[0]
