"""The position of a task is a value: equal where the future is, different where it is not."""

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from types import coroutine
from typing import Any

import pytest

from harness.contract import Op
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Slot
from harness.engine.footprint import Resources
from harness.engine.position import PositionError, encode, position, positions, wiring
from harness.engine.trio_engine import TrioEngine
from tests.unit.engine.photos import (
    OTHER,
    Cell,
    Main,
    Photographer,
    Wire,
    counting,
    first,
    helper,
    part,
    refusal,
    seen_along,
    waiting_for,
)
from tests.unit.engine.tiny import STEP, AnyEngine, Script, TinyWorld, run

# -- places ---------------------------------------------------------------------------------------


def test_a_loop_index_tells_positions_apart() -> None:
    seen = [each["a"] for each in seen_along("aaa", counting(5))]
    assert len(seen) == len(set(seen)) == 4


def test_the_same_place_is_the_same_position_however_it_was_reached() -> None:
    mains = (counting(3), counting(3))
    one, other = seen_along("aabb", *mains), seen_along("abab", *mains)
    assert one[2] != other[2]
    assert one[3] == other[3]
    assert one[4] == other[4]


def test_positions_are_the_same_in_another_world_and_on_the_other_engine() -> None:
    mains = (nested(1), counting(3), waiting(Wire("x").ready))
    along = [seen_along("abacbaab", *mains, engine=made()) for made in (DirectEngine, TrioEngine)]
    assert along[0] == along[1] == seen_along("abacbaab", *mains)
    assert len(along[0]) > 8


def nested(x: int) -> Main:
    async def inner(task: Slot, y: int) -> int:
        if y:
            await task.step(STEP)
        await task.step(STEP)
        return y

    @coroutine
    def between(task: Slot, y: int) -> Generator[Any, Any, int]:
        got = yield from inner(task, y)
        return got  # type: ignore[no-any-return]

    async def main(task: Slot) -> None:
        await between(task, x)
        await inner(task, x)
        await task.step(STEP)

    return main


def test_every_frame_of_the_chain_counts() -> None:
    seen = [each["a"] for each in seen_along("aaaa", nested(1))]
    assert len(set(seen)) == 5
    assert seen_along("", nested(0))[0] != seen_along("", nested(1))[0]


def test_who_has_just_announced_is_where_it_will_be_parked() -> None:
    """In one schedule task a goes on, in the other it is parked while task b goes."""
    mains = (counting(3), stays_where_it_is)
    goes_on, parked = seen_along("aab", *mains), seen_along("aba", *mains)
    assert goes_on[1]["a"] == parked[1]["a"] == parked[2]["a"]
    assert goes_on[2]["a"] != parked[2]["a"]


async def stays_where_it_is(task: Slot) -> None:
    while True:
        await task.step(STEP)


def test_before_the_first_step_and_after_the_last() -> None:
    world = TinyWorld(DirectEngine(), counting(1))
    assert position(world.slots[0]) == ("not begun",)
    strategy = Script("a")
    run(DirectEngine(), world, strategy)
    assert position(world.slots[0]) == ("returned",)


@pytest.mark.parametrize("made", [DirectEngine, TrioEngine])
def test_in_the_middle_of_a_step_there_is_none(made: type[AnyEngine]) -> None:
    engine = made()

    async def main(task: Slot) -> None:
        await task.step(STEP)
        position(task)

    with pytest.raises(PositionError, match="a: it is in the middle of a step"):
        run(engine, TinyWorld(engine, main), Script("a"))


def test_positions_of_an_execution() -> None:
    class All(Script):
        def choose(self, enabled: Any, pending: Any, current: Any) -> Any:
            assert positions(execution) == tuple(map(position, pending))
            looked.append(1)
            return super().choose(enabled, pending, current)

    looked: list[int] = []
    world = TinyWorld(DirectEngine(), counting(2), counting(2))
    execution = Execution(world, All("abab"))
    DirectEngine().execute(execution)
    assert looked


def test_what_was_drawn_and_is_kept_counts() -> None:
    """house.md: `migrate` with one preemption and with two, at the first scheduling point."""

    async def main(task: Slot) -> None:
        left = task.choose("preemptions", 3)
        while left:
            await task.step(STEP)
            left -= 1

    one, two = (seen_along("", main, draws=[n])[0]["a"] for n in (1, 2))
    assert one != two
    assert one == seen_along("a", main, draws=[2])[1]["a"]


# -- guards and alternatives ----------------------------------------------------------------------


def waiting(guard: Callable[[], bool]) -> Main:
    async def main(task: Slot) -> None:
        await task.step(STEP, guard, 1)

    return main


def replacing(condition: Callable[[], bool], op: Op = OTHER) -> Main:
    async def main(task: Slot) -> None:
        await task.step(STEP, alt=(op, condition))

    return main


FIRST, SECOND = part(0), part(1)


@pytest.mark.parametrize("made", [waiting, replacing])
def test_the_closure_of_a_guard_tells_positions_apart(made: Callable[..., Main]) -> None:
    assert first(made(waiting_for(1))) == first(made(waiting_for(1)))
    assert first(made(waiting_for(1))) != first(made(waiting_for(2)))
    assert first(made(waiting_for(1, FIRST))) != first(made(waiting_for(1, SECOND)))
    assert first(made(lambda: True)) != first(made(lambda: bool(1)))
    assert first(made(lambda x=1: x > 0)) != first(made(lambda x=2: x > 0))
    assert first(made(FIRST.is_set)) != first(made(SECOND.is_set))
    assert first(made(partial(bool, 0))) != first(made(partial(bool, 1)))


def test_a_guard_counts_that_no_local_holds() -> None:
    holder = Holder()

    async def main(task: Slot) -> None:
        await task.step(STEP, holder.guard, 1)

    found = []
    for n in (1, 1, 2):
        holder.guard = waiting_for(n)
        found.append(first(main))
    assert found[0] == found[1] != found[2]


def test_the_announcement_counts() -> None:
    def main(op: Op, reads: int) -> Main:
        async def body(task: Slot) -> None:
            await task.step(op, waiting_for(1), reads)

        return body

    assert first(main(STEP, 1)) != first(main(OTHER, 1))
    assert first(main(STEP, 1)) != first(main(STEP, 2))
    assert first(replacing(waiting_for(1), STEP)) != first(replacing(waiting_for(1), OTHER))


class Holder:
    """Where a guard is put for a test, as if it were wiring."""

    guard: Callable[[], bool]


wiring(Holder)


@pytest.mark.parametrize("local", ["guard", "alternative"])
def test_a_guard_over_something_undeclared(local: str) -> None:
    flags: dict[int, int] = {}
    holder = Holder()
    holder.guard = lambda: not flags

    async def main(task: Slot) -> None:
        if local == "guard":
            await task.step(STEP, holder.guard, 1)
        else:
            await task.step(STEP, alt=(STEP, holder.guard))

    error = refusal(main)
    assert (error.task, error.local) == ("a", local)
    assert error.found.startswith("a dict, which is neither")


def test_a_guard_that_refers_to_itself() -> None:
    def guard() -> bool:
        return guard.__name__ == "guard"

    assert first(waiting(guard)) == first(waiting(guard))

    def ping() -> bool:
        return pong.__name__ == "pong"

    def pong() -> bool:
        return ping.__name__ == "ping"

    assert "recursion" in refusal(waiting(ping)).found


def test_a_cell_that_is_not_set_yet() -> None:
    def guard() -> bool:
        return later > 0

    before = encode(guard)
    later = 1
    assert guard()
    assert encode(guard) != before


def test_the_audit_does_not_hide_a_guard() -> None:
    cell = Cell()
    resources = Resources([("cell0", cell)], {"cell": {0: cell}})
    found = []
    for audited in (True, False):
        world = TinyWorld(DirectEngine(), waiting(cell.is_set), counting(2))
        strategy = Photographer("bb")
        if audited:
            DirectEngine().execute(AuditedExecution(world, strategy, resources))
        else:
            run(DirectEngine(), world, strategy)
        found.append(strategy.seen)
    assert found[0] == found[1]


# -- awaitables -----------------------------------------------------------------------------------


class Later:
    """An awaitable object."""

    def __init__(self, made: Awaitable[Any]) -> None:
        self.made = made

    def __await__(self) -> Any:
        return self.made.__await__()


def test_an_awaitable_object_hides_what_is_behind_it() -> None:
    async def main(task: Slot) -> None:
        await Later(helper(task))

    error = refusal(main)
    assert error.found == "awaits a coroutine_wrapper, which is no step of its own"


def test_a_task_that_waits_for_something_else_has_no_position() -> None:
    @coroutine
    def nothing() -> Generator[None, None, None]:
        yield

    async def main(task: Slot) -> None:
        await nothing()

    task = TinyWorld(DirectEngine(), main).slots[0]
    task.coroutine = main(task)
    task.coroutine.send(None)
    with pytest.raises(PositionError, match="awaits a NoneType, which is no step of its own"):
        position(task)
    task.coroutine.close()
