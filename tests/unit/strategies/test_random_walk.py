"""``random``: uniform among the enabled tasks, and a function of its seed."""

from collections import Counter
from typing import Any

from harness.strategies.random_walk import RandomWalk
from tests.unit.strategies.fakes import info, tasks


def first_of(seed: int, n: int) -> str:
    strategy = RandomWalk(seed)
    assert strategy.begin(info(n))
    return strategy.choose(tasks(n), tasks(n), None).name  # type: ignore[union-attr]


def test_each_task_is_as_likely_over_seeds() -> None:
    counts = Counter(first_of(seed, 4) for seed in range(4_000))
    assert set(counts) == set("abcd")
    assert all(850 < count < 1_150 for count in counts.values())


def test_each_task_is_as_likely_along_one_walk() -> None:
    strategy: Any = RandomWalk(11)
    ready = tasks(3)
    counts = Counter(strategy.choose(ready, ready, None).name for _ in range(3_000))
    assert all(880 < counts[name] < 1_120 for name in "abc")


def test_only_enabled_tasks_are_chosen() -> None:
    strategy: Any = RandomWalk(5)
    ready = tasks(5)
    some = (ready[1], ready[3])
    assert {strategy.choose(some, ready, ready[0]).name for _ in range(100)} == {"b", "d"}


def test_draws_are_uniform_and_in_range() -> None:
    strategy = RandomWalk(3)
    counts = Counter(strategy.draw("n", 5) for _ in range(5_000))
    assert set(counts) == set(range(5))
    assert all(850 < count < 1_150 for count in counts.values())


def test_the_seed_decides_everything() -> None:
    def walk(seed: int) -> list[Any]:
        strategy: Any = RandomWalk(seed)
        ready = tasks(4)
        return [
            x
            for _ in range(20)
            for x in (strategy.choose(ready, ready, None).name, strategy.draw("n", 9))
        ]

    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


def test_the_next_execution_goes_on_with_the_stream() -> None:
    strategy: Any = RandomWalk(1)
    ready = tasks(4)
    runs = []
    for _ in range(2):
        strategy.begin(info(4))
        runs.append([strategy.choose(ready, ready, None).name for _ in range(20)])
        strategy.end(None)
    assert runs[0] != runs[1]
