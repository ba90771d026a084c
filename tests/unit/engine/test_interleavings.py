"""All interleavings are within reach, which Trio's own order does not give."""

from random import Random

import pytest
import trio

from harness.strategies.random_walk import RandomWalk
from tests.unit.engine.tiny import AnyEngine, TinyWorld, made, run, steps


def test_two_tasks_of_three_steps_reach_20_of_20(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(3, log), steps(3, log))
    world.on_reset = log.clear
    seen = set()

    class Noting(RandomWalk):
        def end(self, outcome: object) -> None:
            seen.add("".join(log))

    run(engine, world, *(Noting(seed) for seed in range(300)))
    assert len(seen) == 20
    assert all(sorted(order) == list("aaabbb") for order in seen)


def test_seeding_trio_reaches_8_of_20(monkeypatch: pytest.MonkeyPatch) -> None:
    def order(seed: int) -> str:
        log: list[str] = []

        async def three(name: str) -> None:
            for _ in range(3):
                log.append(name)
                await trio.lowlevel.checkpoint()

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(three, "a")
                nursery.start_soon(three, "b")

        monkeypatch.setattr(trio._core._run, "_r", Random(seed))
        trio.run(main)
        return "".join(log)

    seen = {order(seed) for seed in range(200)}
    assert len(seen) == 8
    # Both make a step in each batch: only which of the two comes first is open, three times.
    assert all(set(order[i : i + 2]) == {"a", "b"} for order in seen for i in (0, 2, 4))


def test_same_seed_same_schedule_on_both_engines(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(3, log), steps(2, log), steps(4, log))
    first, again, other = run(engine, world, RandomWalk(7), RandomWalk(7), RandomWalk(8))
    assert first == again
    assert first.choices != other.choices
    assert first.steps == 9
    assert made(first) == list("aabacbccc")
