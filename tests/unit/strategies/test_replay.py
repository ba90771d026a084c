"""``replay``: the same choices again, and the first one that cannot be made."""

from typing import Any

import pytest

from harness.contract import Op
from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome, Slot
from harness.engine.schedule import decode_choices
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Divergence, Replay
from tests.unit.engine.tiny import ENGINES, STEP, AnyEngine, TinyWorld, made, run

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


def replay(
    choices: str | list[Choice], draws: int = 3
) -> tuple[Outcome, Divergence | None, list[Any]]:
    tiny, log = world(draws)
    strategy = Replay(decode_choices(choices) if isinstance(choices, str) else choices)
    (outcome,) = run(DirectEngine(), tiny, strategy)
    return outcome, strategy.divergence, list(log)


def test_what_was_recorded_is_replayed() -> None:
    tiny, log = world()
    for seed in range(30):
        (recorded,) = run(DirectEngine(), tiny, RandomWalk(seed))
        happened = list(log)
        again, divergence, log_again = replay(recorded.choices)
        assert divergence is None
        assert again == recorded
        assert log_again == happened


def test_a_prefix_drains_after_its_last_choice() -> None:
    outcome, divergence, _ = replay("a,c")
    assert divergence is None
    assert (made(outcome), outcome.drained_from) == (["a", "c"], 2)


@pytest.mark.parametrize(
    ("choices", "position", "expected", "found"),
    [
        ("a,b", 2, "b", "can go: a, c"),
        ("c,c,c", 3, "c", "can go: a"),
        ("a,z9,c", 2, "z9 (no such task here)", "can go: a, c"),
        ("a,number:1/3", 2, "number:1/3", "can go: a, c"),
        ("a,a,c", 3, "c", "a draw of number out of 3"),
        ("a,a,number:1/4,c", 3, "number:1/4", "a draw of number out of 3"),
        ("a,a,other:1/3,c", 3, "other:1/3", "a draw of number out of 3"),
        ("a,a,number:0/3,a,c,c,b,b", 8, "b", "the execution was over"),
    ],
)
def test_divergence(choices: str, position: int, expected: str, found: str) -> None:
    _, divergence, _ = replay(choices)
    assert divergence == Divergence(position, expected, found)


def test_only_the_first_divergence_counts_and_the_rest_is_drained() -> None:
    outcome, divergence, log = replay("a,b,z,z,z")
    assert divergence is not None
    assert divergence.position == 2
    assert made(outcome) == ["a"]
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

    strategy = Replay(decode_choices("a,b"))
    first, second = run(engine(), TinyWorld(engine(), two_steps), strategy, strategy)
    assert first == second
    assert strategy.divergence == Divergence(2, "b (no such task here)", "can go: a")


# -- skipping what does not fit --------------------------------------------------------------------


def skipping(choices: str) -> tuple[list[str], int, list[Any]]:
    """What is made of these choices, how many were skipped, and what the tasks did."""
    tiny, log = world()
    strategy = Replay(decode_choices(choices), skip=True)
    (outcome,) = run(DirectEngine(), tiny, strategy)
    assert strategy.divergence is None
    return made(outcome), strategy.skipped, list(log)


def test_the_same_choices_diverge_or_are_skipped() -> None:
    choices = "a,b,c,z9,a,number:2/3,a"
    outcome, divergence, _ = replay(choices)
    assert divergence == Divergence(2, "b", "can go: a, c")
    assert made(outcome) == ["a"]
    assert skipping(choices) == (["a", "c", "a", "number:2/3", "a"], 2, ["c", 2, "b", "c"])


@pytest.mark.parametrize(
    ("choices", "followed", "skipped"),
    [
        ("", "", 0),
        ("a,a,number:1/3,a,c,c,b", "a,a,number:1/3,a,c,c,b", 0),
        ("a,c,number:1/3,c", "a,c,c", 1),
        ("a,a,number:9/10,c", "a,a,number:2/3,c", 0),
        ("a,a,number:1/2,c", "a,a,number:1/3,c", 0),
        ("a,a,other:1/3,number:1/3,more:0/2,c", "a,a,number:1/3,c", 2),
        ("a,a,c,number:1/3,c", "a,a,number:0/3,c,c", 1),
        ("a,a", "a,a,number:0/3", 0),
        ("c,c,c,c,a,c", "c,c,a", 3),
        ("a,a,number:0/3,a,c,c,b,b,number:0/3", "a,a,number:0/3,a,c,c,b", 2),
    ],
)
def test_what_is_skipped(choices: str, followed: str, skipped: int) -> None:
    assert skipping(choices)[:2] == (followed.split(",") if followed else [], skipped)
    assert skipping(choices) == skipping(choices)


@pytest.mark.parametrize("order", ["one:1/2,two:1/3", "two:1/3,one:1/2"])
def test_draws_between_two_steps_come_in_any_order(order: str) -> None:
    got: list[int] = []

    async def drawer(task: Slot) -> None:
        got.extend((task.choose("one", 2), task.choose("two", 3), task.choose("one", 2)))
        await task.step(STEP)

    strategy = Replay(decode_choices(f"{order},one:1/2,a"), skip=True)
    for _ in range(2):
        run(DirectEngine(), TinyWorld(DirectEngine(), drawer), strategy)
        assert got == [1, 1, 1]
        assert strategy.skipped == 0
        got.clear()


def test_a_schedule_of_one_variant_means_something_for_another() -> None:
    spec, other = RunSpec.make("migrate", "v4.14"), RunSpec.make("migrate", "v7.2")
    recorded = DirectEngine().execute(Execution(spec.build(DirectEngine.task_class), RandomWalk(3)))
    assert recorded is not None
    ends = []
    for _ in range(2):
        strategy = Replay(recorded.choices, skip=True)
        ends.append(
            DirectEngine().execute(Execution(other.build(DirectEngine.task_class), strategy))
        )
    assert ends[0] == ends[1]
    assert ends[0] is not None
    assert len(ends[0].choices) >= len(recorded.choices) - strategy.skipped > 50
    assert strategy.skipped > 0
