"""The audit of footprints: what was touched must have been announced."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.contract import Op
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Outcome, Slot
from harness.engine.footprint import AuditedExecution, FootprintError, OpTable, Resources
from harness.scenarios.schema import builtin_names
from harness.variants import resolve_variant, variant_names
from model.part import Part
from tests.race.running import outcomes, world_of
from tests.unit.engine.tiny import STEP, Script, TinyWorld


class Cell(Part):
    """One number."""

    __slots__ = FIELDS = ("value",)

    def __init__(self) -> None:
        super().__init__()
        self.value = 0


class Cells(TinyWorld):
    """Two parts, ``cell0`` and ``cell1``, and an operation for each way to touch them."""

    def __init__(self, *mains: Callable[[Slot], Any]) -> None:
        super().__init__(DirectEngine(), *mains)
        self.cells = [Cell(), Cell()]
        self.resources = Resources([(f"cell{i}", cell) for i, cell in enumerate(self.cells)])
        self.on_reset = self.clear

    def clear(self) -> None:
        for cell in self.cells:
            cell.value = 0

    def op(self, reads: str, writes: str) -> Op:
        mask = self.resources.mask
        return Op("touch", mask(reads, 0, 0), mask(writes, 0, 0))

    def audit(self, order: str) -> Outcome:
        execution = AuditedExecution(self, Script(order), self.resources)
        outcome = DirectEngine().execute(execution)
        assert outcome is not None
        return outcome


def touching(reads: str, writes: str, touch: Callable[[Cells], object]) -> Cells:
    """A world whose only task announces that and does this."""

    async def main(task: Slot) -> None:
        await task.step(world.op(reads, writes))
        touch(world)
        await task.step(STEP)

    world = Cells(main)
    return world


def put(world: Cells, i: int, value: int) -> None:
    world.cells[i].value = value


@pytest.mark.parametrize(
    ("reads", "writes", "touch", "message"),
    [
        ("cell0", "", lambda w: w.cells[1].value, "a: touch read cell1 unannounced"),
        ("", "cell0", lambda w: w.cells[1].value, "a: touch read cell1 unannounced"),
        ("cell0", "cell1", lambda w: put(w, 0, 1), "a: touch wrote cell0 unannounced"),
        ("", "", lambda w: put(w, 1, 0), "a: touch wrote cell1 unannounced"),
        ("cell0", "", lambda w: w.cells[1].restore(3), "a: touch wrote cell1 unannounced"),
        ("cell0", "", lambda w: w.cells[1].key(), "a: touch read cell1 unannounced"),
    ],
)
def test_unannounced_touch(
    reads: str, writes: str, touch: Callable[[Cells], object], message: str
) -> None:
    with pytest.raises(FootprintError, match=message):
        touching(reads, writes, touch).audit("aa")


@pytest.mark.parametrize(
    ("reads", "writes", "touch"),
    [
        ("cell0 cell1", "", lambda w: w.cells[0].value + w.cells[1].value),
        ("", "cell0", lambda w: put(w, 0, w.cells[0].value + 1)),
        ("cell0", "cell1", lambda w: put(w, 1, w.cells[0].value)),
        ("cell*", "cell*", lambda w: None),
    ],
)
def test_announced_touch(reads: str, writes: str, touch: Callable[[Cells], object]) -> None:
    world = touching(reads, writes, touch)
    assert world.audit("aa").steps == 2
    assert [type(cell) for cell in world.cells] == [Cell, Cell]


def test_last_step_of_a_task_that_returns_is_audited() -> None:
    async def main(task: Slot) -> None:
        await task.step(STEP)
        put(world, 0, 1)

    world = Cells(main)
    with pytest.raises(FootprintError, match="wrote cell0 unannounced"):
        world.audit("a")


def test_steps_of_the_drain_are_audited() -> None:
    with pytest.raises(FootprintError, match="read cell1 unannounced"):
        touching("cell0", "", lambda w: w.cells[1].value).audit("")


@pytest.mark.parametrize("holds", [True, False])
def test_the_alternative_is_held_to_its_own_footprint(holds: bool) -> None:
    async def main(task: Slot) -> None:
        await task.step(world.op("", "cell0"), alt=(world.op("", "cell1"), lambda: holds))
        put(world, 0, 1)

    world = Cells(main)
    if holds:
        with pytest.raises(FootprintError, match="wrote cell0 unannounced"):
            world.audit("a")
    else:
        assert world.audit("a").steps == 1


def waiting(guard_reads: int, guard: Callable[[Cells], bool], op: Callable[[Cells], Op]) -> Cells:
    """Task a writes cell0 as ``op`` says; task b waits for ``guard``."""

    async def writes(task: Slot) -> None:
        for value in (1, 2):
            await task.step(op(world))
            world.cells[0].value = value

    async def waits(task: Slot) -> None:
        await task.step(STEP, lambda: guard(world), guard_reads)

    world = Cells(writes, waits)
    return world


def honest(world: Cells) -> Op:
    return world.op("", "cell0")


def test_guard_that_reads_what_it_did_not_declare() -> None:
    world = waiting(2, lambda w: w.cells[0].value == 1, honest)
    with pytest.raises(FootprintError, match="b: guard of step read cell0"):
        world.audit("ab")


def test_guard_that_declares_what_it_reads() -> None:
    assert waiting(1, lambda w: w.cells[0].value == 2, honest).audit("aab").steps == 3


def test_guard_that_writes() -> None:
    def guard(world: Cells) -> bool:
        world.cells[0].value = 0
        return False

    with pytest.raises(FootprintError, match="b: guard of step wrote cell0"):
        waiting(1, guard, honest).audit("a")


def test_guard_that_changes_without_a_bit_of_its_own() -> None:
    outside: list[int] = []

    async def changes(task: Slot) -> None:
        await task.step(STEP)
        outside.append(1)
        await task.step(STEP)

    async def waits(task: Slot) -> None:
        await task.step(STEP, lambda: bool(outside), 1)

    with pytest.raises(FootprintError, match=r"guard of b \(step\) changed"):
        Cells(changes, waits).audit("aab")


def test_condition_that_reads_what_is_not_announced() -> None:
    async def main(task: Slot) -> None:
        alternative = world.op("cell1", ""), lambda: world.cells[1].value == 1
        await task.step(world.op("cell0", ""), alt=alternative)

    world = Cells(main)
    with pytest.raises(FootprintError, match="a: condition of touch read cell1"):
        world.audit("a")


def test_operations_that_are_not_declared() -> None:
    resources = Resources([("cell0", Cell())])
    ops = OpTable(resources).ops({"look": ("cell@c", "")}, 0, 0)
    assert (ops.look.reads, ops.look.writes) == (1, 0)
    assert ops.look is ops.look
    with pytest.raises(FootprintError, match="'leap' is not declared"):
        _ = ops.leap
    with pytest.raises(FootprintError, match="no resource 'cell3'"):
        resources.mask("cell@c", 3, 0)
    with pytest.raises(FootprintError, match="no resource 'cell3'"):
        _ = OpTable(resources).ops({"look": ("cell@c", "")}, 3, 0).look
    assert resources.mask("nothing*", 0, 0) == 0


def test_masks_of_declarations() -> None:
    names = ["clock", "pcpu0", "pcpu1", "irq0", "irq1", "spi40"]
    resources = Resources([(name, Cell()) for name in names])
    mask = resources.mask("clock pcpu@c irq@v spi*", 1, 0)
    assert resources.names(mask) == "clock pcpu1 irq0 spi40"
    assert resources.names(0) == "nothing"


def test_conflicts_are_symmetric_and_reads_commute() -> None:
    reads, writes, elsewhere = Op("r", 1, 0), Op("w", 0, 1), Op("e", 2, 2)
    assert reads.conflicts(writes)
    assert writes.conflicts(reads)
    assert writes.conflicts(writes)
    assert not reads.conflicts(reads)
    assert not elsewhere.conflicts(writes)


# -- the real thing -------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", builtin_names())
@pytest.mark.parametrize("variant", variant_names())
def test_every_variant_keeps_to_its_footprints(variant: str, scenario: str) -> None:
    era = variant in ("v4.14", "v7.2")
    world = world_of(scenario, resolve_variant(variant))
    ended = list(outcomes(world, 12 if era else 2))
    assert all(outcome.steps > 0 for outcome in ended)
    if era:
        assert all(outcome.bound == "" for outcome in ended)
        assert [outcome.violations for outcome in ended] == [[]] * len(ended)


@pytest.mark.parametrize("scenario", builtin_names())
@pytest.mark.parametrize("era", ["v4.14", "v7.2"])
def test_every_declaration_names_resources(era: str, scenario: str) -> None:
    table = world_of(scenario, resolve_variant(era)).op_table
    for declared in list(table.kept):
        ops = table.ops(declared, 0, 0, "pcpu@c")
        assert [getattr(ops, name).name for name in declared] == list(declared)


@pytest.mark.parametrize(
    "knobs",
    [
        (("gic_messages", "synchronous"),),
        (("gic_messages", "lagging"),),
        (("gic_version", "2"), ("eoimode", "1")),
        (("lr_on_guest_deactivate", "polled"), ("gic_lag", "0")),
    ],
    ids=str,
)
@pytest.mark.parametrize("era", ["v4.14", "v7.2"])
def test_eras_keep_to_their_footprints_under_knobs(
    era: str, knobs: tuple[tuple[str, str], ...]
) -> None:
    world = world_of("migrate", resolve_variant(era), knobs)
    assert all(outcome.steps > 0 for outcome in outcomes(world, 6))
