"""``round-robin``: each enabled task in turn."""

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Slot
from harness.strategies.round_robin import RoundRobin
from tests.unit.engine.tiny import STEP, TinyWorld, run, steps
from tests.unit.strategies.fakes import tasks


def order(quantum: int, *counts: int) -> str:
    log: list[str] = []
    world = TinyWorld(DirectEngine(), *(steps(count, log) for count in counts))
    run(DirectEngine(), world, RoundRobin(quantum))
    return "".join(log)


@pytest.mark.parametrize(
    ("quantum", "counts", "expected"),
    [
        (1, (2, 2, 2), "abcabc"),
        (1, (1, 3, 2), "abcbcb"),
        (2, (4, 4), "aabbaabb"),
        (3, (4, 4), "aaabbbab"),
    ],
)
def test_order(quantum: int, counts: tuple[int, ...], expected: str) -> None:
    assert order(quantum, *counts) == expected


def test_it_wraps_and_skips_what_is_not_enabled() -> None:
    ready = tasks(4)
    strategy = RoundRobin()
    assert strategy.choose((ready[0], ready[2]), ready, ready[0]) is ready[2]
    assert strategy.choose((ready[0], ready[2]), ready, ready[3]) is ready[0]
    assert strategy.choose((ready[1], ready[2]), ready, None) is ready[1]


def test_draws_take_the_first_alternative() -> None:
    got: list[int] = []

    async def drawer(task: Slot) -> None:
        await task.step(STEP)
        got.append(task.choose("n", 3))

    run(DirectEngine(), TinyWorld(DirectEngine(), drawer), RoundRobin())
    assert got == [0]


def test_executions_are_equal() -> None:
    log: list[str] = []
    world = TinyWorld(DirectEngine(), steps(3, log), steps(5, log))
    strategy = RoundRobin(2)
    outcomes = run(DirectEngine(), world, strategy, strategy, strategy)
    assert outcomes[0] == outcomes[1] == outcomes[2]
