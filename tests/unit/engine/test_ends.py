"""How executions end: the drain, what is late or lost, the bounds, and the next execution."""

from typing import Any

import pytest
import trio

from harness.contract import Op
from harness.engine.execution import EndOfExecution, Execution, Limits, Outcome, Slot, Violation
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from tests.unit.engine.tiny import STEP, AnyEngine, Script, TinyWorld, made, run, steps

OWED = Violation("L0", "it never came")
OTHER = Violation("L9", "nor this")


async def forever(task: Slot) -> None:
    while True:
        await task.step(STEP)


async def never(task: Slot) -> None:
    await task.step(STEP, lambda: False, 1)


def test_abandon_leads_to_a_drain_in_turns(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(3, log), steps(3, log), steps(2, log))
    (outcome,) = run(engine, world, Script("bb"))
    assert "".join(log) == "bb" + "cab" + "ca" + "a"
    assert made(outcome) == ["b", "b"]
    assert (outcome.steps, outcome.drained_from) == (8, 2)


def test_an_execution_without_abandon_is_drained_too(engine: AnyEngine) -> None:
    (outcome,) = run(engine, TinyWorld(engine, steps(2, []), steps(1, [])), RandomWalk(1))
    assert (outcome.steps, outcome.drained_from, outcome.bound) == (3, 3, "")


def test_drain_leaves_optional_tasks_out(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(2, log), steps(9, log), steps(2, log), optional="b")
    (outcome,) = run(engine, world, Script("b"))
    assert "".join(log) == "b" + "caca"
    assert outcome.violations == []


@pytest.mark.parametrize(("cured", "word"), [(True, "late"), (False, "lost")])
def test_late_is_told_from_lost_by_a_nudge(engine: AnyEngine, cured: bool, word: str) -> None:
    world = TinyWorld(engine, steps(1, []))
    world.owed = lambda: [] if world.nudged and cured else [OWED]
    (outcome,) = run(engine, world, Script("a"))
    assert world.nudged == 1
    assert [(v.rule, v.type) for v in outcome.violations] == [("L0", word)]
    assert outcome.violations[0].text.startswith(f"{word.upper()}: it never came")
    assert ("unrelated exit" in outcome.violations[0].text) == cured


def test_what_only_shows_after_the_nudge_is_lost(engine: AnyEngine) -> None:
    world = TinyWorld(engine, steps(1, []))
    world.owed = lambda: [OTHER] if world.nudged else [OWED]
    (outcome,) = run(engine, world, Script("a"))
    assert [(v.rule, v.type) for v in outcome.violations] == [("L0", "late"), ("L9", "lost")]


def test_nothing_owed_is_no_nudge(engine: AnyEngine) -> None:
    world = TinyWorld(engine, steps(1, []))
    (outcome,) = run(engine, world, Script("a"))
    assert (world.nudged, outcome.violations) == (0, [])


def test_a_nudge_sets_tasks_going_again(engine: AnyEngine) -> None:
    go: list[bool] = []
    log: list[str] = []

    async def waits(task: Slot) -> None:
        await task.step(STEP, lambda: bool(go), 1)
        log.append(task.name)

    world = TinyWorld(engine, waits)
    world.owed = lambda: [] if log else [OWED]
    world.on_nudge = lambda: go.append(True)
    (outcome,) = run(engine, world, Script(""))
    assert log == ["a"]
    assert [v.type for v in outcome.violations] == ["late"]


def test_bound_on_steps_is_a_verdict_and_drains(engine: AnyEngine) -> None:
    log: list[str] = []
    limits = Limits(steps_max=5, drain_steps_max=100)
    world = TinyWorld(engine, steps(4, log), steps(4, log), limits=limits)
    (outcome,) = run(engine, world, RoundRobin())
    assert (outcome.bound, len(outcome.choices), outcome.drained_from) == ("steps", 5, 5)
    assert len(log) == outcome.steps == 8


def test_as_many_steps_as_the_bound_allows_is_no_bound(engine: AnyEngine) -> None:
    limits = Limits(steps_max=8, drain_steps_max=100)
    world = TinyWorld(engine, steps(4, []), steps(4, []), limits=limits)
    (outcome,) = run(engine, world, RoundRobin())
    assert (outcome.bound, outcome.steps) == ("", 8)


def test_bound_on_the_drain_is_a_verdict(engine: AnyEngine) -> None:
    world = TinyWorld(engine, forever, never, limits=Limits(steps_max=5, drain_steps_max=7))
    world.owed = lambda: [OWED]
    (outcome,) = run(engine, world, RoundRobin())
    assert (outcome.bound, outcome.steps, outcome.violations) == ("drain", 12, [])


def test_a_failure_ends_it_at_once(engine: AnyEngine) -> None:
    log: list[str] = []

    async def breaks(task: Slot) -> None:
        await task.step(STEP)
        world.failures.append(OTHER)
        await task.step(STEP)
        log.append("went on")

    world = TinyWorld(engine, breaks, steps(3, log))
    world.owed = lambda: [OWED]
    (outcome,) = run(engine, world, Script("bab"))
    assert outcome.violations == [OTHER]
    assert (outcome.steps, made(outcome), log) == (2, ["b", "a"], ["b"])


@pytest.mark.parametrize("order", ["b", "ab"])
def test_eager_tasks_go_before_any_choice_and_unrecorded(engine: AnyEngine, order: str) -> None:
    sent = [0]
    log: list[str] = []

    async def sends(task: Slot) -> None:
        for _ in range(2):
            await task.step(Op("send", 0, 1))
            sent[0] += 1
            log.append("a")

    async def delivers(task: Slot) -> None:
        while True:
            await task.step(Op("deliver", 0, 1), lambda: sent[0] > 0, 1)
            sent[0] -= 1
            log.append("c")

    def reset() -> None:
        sent[0] = 0
        log.clear()

    world = TinyWorld(engine, sends, steps(3, log), delivers, eager="c")
    world.on_reset = reset
    strategy = Script(order)
    (outcome,) = run(engine, world, strategy)
    assert all("c" not in offered for offered in strategy.offered)
    assert "".join(log).count("ac") == 2
    assert made(outcome) == list(order)
    assert outcome.steps == 7


# -- one execution after the other ---------------------------------------------------------------


def test_a_parked_task_is_torn_down_after_the_verdict(engine: AnyEngine) -> None:
    seen: list[str] = []

    async def parked(task: Slot) -> None:
        try:
            await task.step(STEP, lambda: False, 1)
        finally:
            seen.append("torn down")
            world.failures.append(OWED)  # too late to count

    class Noting(RandomWalk):
        def end(self, outcome: object) -> None:
            seen.append("verdict")

    world = TinyWorld(engine, steps(2, []), parked)
    (outcome,) = run(engine, world, Noting(1))
    assert seen == ["verdict", "torn down"]
    assert outcome.violations == []


def test_between_two_executions_tasks_are_thrown_out_with_the_end(engine: AnyEngine) -> None:
    ends: list[type[BaseException]] = []
    began: list[int] = []

    async def parked(task: Slot) -> None:
        began.append(1)
        try:
            await task.step(STEP, lambda: False, 1)
        except BaseException as error:
            ends.append(type(error))
            raise

    world = TinyWorld(engine, steps(1, []), parked)
    run(engine, world, *(RandomWalk(seed) for seed in range(5)))
    assert len(began) == len(ends) == 5
    assert ends[:4] == [EndOfExecution] * 4


def test_executions_do_not_leak_into_each_other(engine: AnyEngine) -> None:
    log: list[str] = []
    world = TinyWorld(engine, steps(2, log), never, steps(2, log))
    world.on_reset = log.clear
    outcomes = run(engine, world, *(Script("acac") for _ in range(20)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert log == ["a", "c", "a", "c"]


def test_worlds_of_different_sizes_share_a_drive(engine: AnyEngine) -> None:
    log: list[str] = []
    worlds = [TinyWorld(engine, *(steps(1, log) for _ in range(n))) for n in (1, 4, 2, 4, 3)]

    def campaign() -> Any:
        for world in worlds:
            log.clear()
            outcome = yield Execution(world, RoundRobin())
            assert outcome.steps == len(log) == len(world.slots)

    engine.drive(campaign())


def test_a_strategy_with_nothing_left_gives_no_outcome(engine: AnyEngine) -> None:
    class Exhausted(RoundRobin):
        def begin(self, info: Any) -> bool:
            return False

    log: list[str] = []
    world = TinyWorld(engine, steps(1, log))
    outcomes: list[Outcome | None] = []

    def campaign() -> Any:
        outcomes.append((yield Execution(world, Exhausted())))
        outcomes.append((yield Execution(world, RoundRobin())))

    engine.drive(campaign())
    none, one = outcomes
    assert none is None
    assert one is not None
    assert one.steps == len(log) == 1


def test_actors_are_the_same_trio_tasks_from_first_to_last() -> None:
    from harness.engine.trio_engine import TrioEngine

    engine = TrioEngine()
    world = TinyWorld(engine, forever, never, steps(3, []), limits=Limits(50, 50))
    living: list[int] = []
    ran_by: list[set[int]] = []

    async def who(task: Slot) -> None:
        ran_by[-1].add(id(trio.lowlevel.current_task()))
        await task.step(STEP)
        ran_by[-1].add(id(trio.lowlevel.current_task()))

    world.slots[2].main = who

    def campaign() -> Any:
        for seed in range(30):
            ran_by.append(set())
            yield Execution(world, RandomWalk(seed))
            living.append(trio.lowlevel.current_statistics().tasks_living)

    engine.drive(campaign())
    assert len(set(living)) == 1
    assert len(ran_by[0]) == 1
    assert all(ids == ran_by[0] for ids in ran_by)
