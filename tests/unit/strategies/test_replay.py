"""``replay``: the same choices again, and the first one that cannot be made."""

from typing import Any

import pytest

from harness.contract import Op
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Outcome, Slot
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Divergence, Replay
from tests.unit.engine.tiny import ENGINES, STEP, AnyEngine, TinyWorld, run

WRITE = Op("write", 0, 1)


def world(draws: int = 3) -> tuple[TinyWorld, list[Any]]:
    """Task a draws in its second step; task b waits for it; task c goes as it likes."""
    log: list[Any] = []

    async def a(task: Slot) -> None:
        await task.step(STEP)
        await task.step(WRITE)
        log.append(task.choose("number", draws))
        await task.step(STEP)

    async def b(task: Slot) -> None:
        await task.step(STEP, lambda: 0 in log or 1 in log or 2 in log, 1)
        log.append("b")

    async def c(task: Slot) -> None:
        for _ in range(2):
            await task.step(STEP)
            log.append("c")

    tiny = TinyWorld(DirectEngine(), a, b, c)
    tiny.on_reset = log.clear
    return tiny, log


def replay(choices: str, draws: int = 3) -> tuple[Outcome, Divergence | None, list[Any]]:
    tiny, log = world(draws)
    strategy = Replay(choices.split(",") if choices else [])
    (outcome,) = run(DirectEngine(), tiny, strategy)
    return outcome, strategy.divergence, list(log)


def test_what_was_recorded_is_replayed() -> None:
    tiny, log = world()
    for seed in range(30):
        (recorded,) = run(DirectEngine(), tiny, RandomWalk(seed))
        happened = list(log)
        names = [tiny.slots[c].name if c >= 0 else f"={-1 - c}" for c in recorded.choices]
        again, divergence, log_again = replay(",".join(names))
        assert divergence is None
        assert again == recorded
        assert log_again == happened


def test_a_prefix_drains_after_its_last_choice() -> None:
    outcome, divergence, _ = replay("a,c")
    assert divergence is None
    assert (outcome.choices, outcome.drained_from) == ([0, 2], 2)


@pytest.mark.parametrize(
    ("choices", "position", "expected", "found"),
    [
        ("a,b", 2, "b", "can go: a, c"),
        ("c,c,c", 3, "c", "can go: a"),
        ("a,z9,c", 2, "z9 (no such task here)", "can go: a, c"),
        ("a,=1", 2, "=1", "can go: a, c"),
        ("a,a,c", 3, "c", "a draw of 'number' below 3"),
        ("a,a,=3,c", 3, "=3", "a draw of 'number' below 3"),
        ("a,a,=0,a,c,c,b,b", 8, "b", "the execution was over"),
    ],
)
def test_divergence(choices: str, position: int, expected: str, found: str) -> None:
    _, divergence, _ = replay(choices)
    assert divergence == Divergence(position, expected, found)


def test_only_the_first_divergence_counts_and_the_rest_is_drained() -> None:
    outcome, divergence, log = replay("a,b,z,z,z")
    assert divergence is not None
    assert divergence.position == 2
    assert outcome.choices == [0]
    assert log.count("c") == 2


def test_a_draw_beyond_the_end_is_zero() -> None:
    _, divergence, log = replay("a,a")
    assert divergence is None
    assert log[0] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_replays_can_be_repeated(engine: type[AnyEngine]) -> None:
    async def two_steps(task: Slot) -> None:
        for _ in range(2):
            await task.step(STEP)

    strategy = Replay(["a", "b"])
    first, second = run(engine(), TinyWorld(engine(), two_steps), strategy, strategy)
    assert first == second
    assert strategy.divergence == Divergence(2, "b (no such task here)", "can go: a")
