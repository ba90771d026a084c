"""``pct``: priorities, change points, and the guarantee."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Slot
from harness.strategies.pct import Pct
from tests.unit.engine.tiny import STEP, TinyWorld, run, steps
from tests.unit.strategies.fakes import info, tasks


def walk(strategy: Any, n: int, length: int) -> str:
    """What it chooses when all tasks are enabled throughout."""
    ready = tasks(n)
    assert strategy.begin(info(n))
    return "".join(strategy.choose(ready, ready, None).name for _ in range(length))


def switches(order: str) -> int:
    return sum(a != b for a, b in pairwise(order))


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_there_is_a_switch_at_each_change_point_and_no_other(depth: int) -> None:
    for seed in range(50):
        strategy = Pct(seed, depth, 20)
        order = walk(strategy, depth + 1, 20)
        points = sorted(strategy.changes)
        assert len(points) == depth - 1
        # The task runs the step of its change point, and the next best goes on; a change point
        # at the very last step shows no switch.
        assert switches(order) == sum(point < 19 for point in points)
        assert all(order[p] != order[p + 1] for p in points if p < 19)


def test_what_was_lowered_is_below_all_that_never_was() -> None:
    for seed in range(50):
        strategy = Pct(seed, 3, 20)
        strategy.begin(info(4))
        assert sorted(strategy.changes.values()) == [1, 2]
        assert sorted(strategy.priorities) == [3, 4, 5, 6]


def test_change_points_are_distinct_and_within_k() -> None:
    for seed in range(200):
        strategy = Pct(seed, 6, 8)
        strategy.begin(info(2))
        assert len(strategy.changes) == 5
        assert all(0 <= step < 8 for step in strategy.changes)


def test_more_change_points_than_steps_are_as_many_as_fit() -> None:
    strategy = Pct(1, 10, 3)
    assert strategy.begin(info(2))
    assert sorted(strategy.changes) == [0, 1, 2]


def test_a_depth_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="depth of pct is 0, expected 1 or more"):
        Pct(1, 0)


def test_every_order_of_priorities_comes_up() -> None:
    firsts = {walk(Pct(seed, 1, 20), 4, 1) for seed in range(60)}
    assert firsts == set("abcd")


def test_k_is_learnt_from_the_longest_execution_so_far() -> None:
    strategy = Pct(1, 2)
    lengths = [10, 300, 20]
    learnt = []
    for length in lengths:
        walk(strategy, 2, length)
        learnt.append(strategy.k)
    strategy.begin(info(2))
    assert [*learnt, strategy.k] == [100, 100, 300, 300]


def test_a_k_that_is_given_is_kept() -> None:
    strategy = Pct(1, 2, 7)
    walk(strategy, 2, 50)
    walk(strategy, 2, 50)
    assert strategy.k == 7


def test_the_seed_decides_everything() -> None:
    assert walk(Pct(4, 3, 20), 4, 20) == walk(Pct(4, 3, 20), 4, 20)
    assert len({walk(Pct(seed, 3, 20), 4, 20) for seed in range(10)}) > 1


def depth_two() -> tuple[TinyWorld, list[bool]]:
    """One task looks early and late; between the two the other must come, and come whole."""
    hits: list[bool] = []
    state = [0]

    def looks(before: int, after: int) -> Callable[[Slot], Any]:
        async def main(task: Slot) -> None:
            for _ in range(before):
                await task.step(STEP)
            first = state[0]
            for _ in range(after):
                await task.step(STEP)
            if (first, state[0]) == (0, 6):
                hits.append(True)

        return main

    async def writes(task: Slot) -> None:
        for _ in range(6):
            await task.step(STEP)
            state[0] += 1

    def reset() -> None:
        state[0] = 0

    # The switch must come at one step of eight: a uniform walk rarely holds still for the others.
    world = TinyWorld(DirectEngine(), looks(8, 1), writes, steps(6, []))
    world.on_reset = reset
    return world, hits


def test_guarantee_for_a_bug_of_depth_two() -> None:
    n, k, executions = 3, 21, 3_000
    world, hits = depth_two()
    run(DirectEngine(), world, *(Pct(seed, 2, k) for seed in range(executions)))
    assert len(hits) >= executions / (n * k)


def test_the_bug_of_depth_two_is_out_of_reach_at_depth_one() -> None:
    world, hits = depth_two()
    run(DirectEngine(), world, *(Pct(seed, 1, 21) for seed in range(300)))
    assert hits == []
