"""The audit of footprints: what was touched must have been announced."""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from harness.catalogue.shows import SHOWS
from harness.contract import Op
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Outcome, Slot
from harness.engine.footprint import FootprintError, Ref, Resource, Resources, Step
from harness.guest.steps import GuestSteps
from harness.kvm.steps import Steps
from harness.museum import __path__ as museum_path
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.variants import ERAS, resolve_variant, variant_names
from model.part import Part
from model.timer import VTIMER_PPI
from tests.race.running import outcomes, world_of
from tests.race.shown import shown
from tests.unit.engine.tiny import STEP, Script, TinyWorld

CELL = Resource("cell")
Refs = tuple[Ref, ...]
NONE: Refs = ()
FIRST, SECOND, ALL = (CELL.here,), (CELL.own,), (CELL.all,)
"""Cells as seen from CPU 0 and for VCPU 1: cell0 and cell1."""


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
        self.resources = Resources(
            [(f"cell{i}", cell) for i, cell in enumerate(self.cells)],
            {"cell": dict(enumerate(self.cells))},
        )
        self.on_reset = self.clear

    def clear(self) -> None:
        for cell in self.cells:
            cell.value = 0

    def op(self, reads: Refs, writes: Refs) -> Op:
        mask = self.resources.mask
        return Op("touch", mask(reads, 0, 1), mask(writes, 0, 1))

    def audit(self, order: str) -> Outcome:
        execution = AuditedExecution(self, Script(order), self.resources)
        outcome = DirectEngine().execute(execution)
        assert outcome is not None
        return outcome


def touching(reads: Refs, writes: Refs, touch: Callable[[Cells], object]) -> Cells:
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
        (FIRST, NONE, lambda w: w.cells[1].value, "a: touch read cell1 unannounced"),
        (NONE, FIRST, lambda w: w.cells[1].value, "a: touch read cell1 unannounced"),
        (FIRST, SECOND, lambda w: put(w, 0, 1), "a: touch wrote cell0 unannounced"),
        (NONE, NONE, lambda w: put(w, 1, 0), "a: touch wrote cell1 unannounced"),
        (FIRST, NONE, lambda w: w.cells[1].restore(3), "a: touch wrote cell1 unannounced"),
        (FIRST, NONE, lambda w: w.cells[1].key(), "a: touch read cell1 unannounced"),
    ],
)
def test_unannounced_touch(
    reads: Refs, writes: Refs, touch: Callable[[Cells], object], message: str
) -> None:
    with pytest.raises(FootprintError, match=message):
        touching(reads, writes, touch).audit("aa")


@pytest.mark.parametrize(
    ("reads", "writes", "touch"),
    [
        ((*FIRST, *SECOND), NONE, lambda w: w.cells[0].value + w.cells[1].value),
        (NONE, FIRST, lambda w: put(w, 0, w.cells[0].value + 1)),
        (FIRST, SECOND, lambda w: put(w, 1, w.cells[0].value)),
        (ALL, ALL, lambda w: None),
    ],
)
def test_announced_touch(reads: Refs, writes: Refs, touch: Callable[[Cells], object]) -> None:
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
        touching(FIRST, NONE, lambda w: w.cells[1].value).audit("")


@pytest.mark.parametrize("holds", [True, False])
def test_the_alternative_is_held_to_its_own_footprint(holds: bool) -> None:
    async def main(task: Slot) -> None:
        await task.step(world.op(NONE, FIRST), alt=(world.op(NONE, SECOND), lambda: holds))
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
    return world.op(NONE, FIRST)


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
        alternative = world.op(SECOND, NONE), lambda: world.cells[1].value == 1
        await task.step(world.op(FIRST, NONE), alt=alternative)

    world = Cells(main)
    with pytest.raises(FootprintError, match="a: condition of touch read cell1"):
        world.audit("a")


def test_the_operations_of_a_place() -> None:
    cell = Cell()
    resources = Resources([("cell0", cell)], {"cell": {0: cell}})
    look = Step(FIRST, (), "look")
    ops = resources.ops()
    assert (ops[look].name, ops[look].reads, ops[look].writes) == ("look", 1, 0)
    assert ops[look] is ops[look]
    assert resources.ops() is ops
    assert resources.ops(also=6)[look].reads == 7
    with pytest.raises(FootprintError, match="no resource cell3"):
        resources.mask(FIRST, 3)
    with pytest.raises(FootprintError, match="no resource cell3"):
        _ = resources.ops(c=3)[look]


def test_a_kind_that_a_machine_does_not_have() -> None:
    resources = Resources([], {})
    for wrong in ("here", "own", "nth"):
        with pytest.raises(FootprintError, match="no resource nothing0"):
            resources.mask((getattr(Resource("nothing"), wrong),))
        assert resources.mask((getattr(Resource("nothing", optional=True), wrong),)) == 0
    assert resources.mask((Resource("nothing").all,)) == 0


def test_masks_of_declarations() -> None:
    kinds = {"clock": (0,), "pcpu": (0, 1), "irq": (0, 1), "device": (0, 1), "spi": (40,)}
    groups: dict[str, dict[int, Part]] = {
        kind: {i: Cell() for i in indices} for kind, indices in kinds.items()
    }
    parts = [(f"{kind}{i}", part) for kind, group in groups.items() for i, part in group.items()]
    resources = Resources(parts, groups)
    refs = (
        Resource("clock").all, Resource("pcpu").here, Resource("irq").own, Resource("device").nth,
        Resource("spi").all,
    )  # fmt: skip
    mask = resources.mask(refs, 1, 0, 1)
    assert resources.names(mask) == "clock0 pcpu1 irq0 device1 spi40"
    assert resources.names(resources.mask((Resource("any").this,), irq=4)) == "pcpu1"
    assert resources.names(0) == "nothing"


def test_a_step_is_named_for_the_attribute_that_it_is() -> None:
    class Some:
        look = Step(FIRST)
        leap = Step((), FIRST, "jump")

    assert [Some.look.name, Some.leap.name, Step().name] == ["look", "jump", ""]
    assert repr(Some.look) == "<step look>"


def test_conflicts_are_symmetric_and_reads_commute() -> None:
    reads, writes, elsewhere = Op("r", 1, 0), Op("w", 0, 1), Op("e", 2, 2)
    assert reads.conflicts(writes)
    assert writes.conflicts(reads)
    assert writes.conflicts(writes)
    assert not reads.conflicts(reads)
    assert not elsewhere.conflicts(writes)


# -- the real thing -------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", builtin_names())
@pytest.mark.parametrize("era", ERAS)
def test_eras_keep_to_their_footprints(era: str, scenario: str) -> None:
    ended = list(outcomes(world_of(scenario, ERAS[era]), 6))
    assert all(outcome.steps > 0 and outcome.bound == "" for outcome in ended)
    if not RunSpec.make(scenario, era).unclean:
        assert [outcome.violations for outcome in ended] == [[]] * len(ended)


PATCHED = [name for name in variant_names() if name in SHOWS]


@pytest.mark.parametrize("variant", shown(PATCHED))
def test_patches_keep_to_their_footprints(variant: str) -> None:
    world = world_of(SHOWS[variant][0], resolve_variant(variant))
    assert all(outcome.steps > 0 for outcome in outcomes(world, 2))


@pytest.mark.long
@pytest.mark.parametrize("variant", PATCHED)
def test_patches_keep_to_their_footprints_in_everything_at_once(variant: str) -> None:
    for scenario, most in ((SHOWS[variant][0], 40), ("smp-mix", 8)):
        world = world_of(scenario, resolve_variant(variant))
        assert all(outcome.steps > 0 for outcome in outcomes(world, most))


def declared() -> list[Step]:
    """The steps of KVM, of guests, and of the museum's patches."""
    museum = [import_module(f"harness.museum.{m.name}") for m in iter_modules(museum_path)]
    owners = [Steps, GuestSteps, *museum]
    return [step for owner in owners for step in vars(owner).values() if isinstance(step, Step)]


@pytest.mark.parametrize("scenario", builtin_names())
def test_every_declaration_names_resources(scenario: str) -> None:
    world = world_of(scenario, resolve_variant("v7.2"))
    irq = world.machine.private[0, VTIMER_PPI]
    ops = world.resources.ops(c=0, v=0, irq=irq.bit)
    for step in declared():
        assert ops[step].name == step.name != ""
    assert len(declared()) > 100


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
