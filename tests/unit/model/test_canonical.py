"""What is left out of a canonical key is dead: nothing that comes depends on it.

One walk goes on from the state as it is, another makes the same choices and is put into the
canonical state before each of them. Both must come to the same states, facts and violations.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from harness.catalogue.shows import SHOWS
from harness.engine.direct_engine import DirectTask
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from harness.variants import variant_names
from harness.world import VgicWorld
from model.facts import Exited, Fact
from model.guest import AWAIT, HALT, IDLE, PIDLE, SPIN, Guest, Instruction
from model.host.thread import HrTimer
from model.identity import VTIMER
from model.machine import Machine
from model.part import Part
from model.rules.derived.active import Orphan
from model.timer import ENABLE, Clock, HwTimer
from model.timer_context import TimerContext
from tests.unit.model.looking import Looking, drive

State = tuple[tuple[object, ...], tuple[object, ...]]
Forget = Callable[[VgicWorld], None]


def forget_the_dead(world: VgicWorld) -> None:
    """Put every part into its canonical state."""
    for _, part in (*world.machine.parts, *world.checker.parts):
        part.restore(part.canonical())


class Watching(Looking):
    """Keeps the canonical states at every choice, and all facts; ``forget`` acts before each."""

    def watch(self, world: VgicWorld, forget: Forget | None = None) -> None:
        self.world, self.forget = world, forget
        self.states: list[State] = []
        self.left_out = 0
        self.facts: list[Fact] = []
        emit = world.checker.emit

        def hear(fact: Fact) -> None:
            if isinstance(fact, Exited):
                fact = msgspec.structs.replace(fact, instructions=min(fact.instructions, 1))
            self.facts.append(fact)
            emit(fact)

        world.machine.tell(hear)

    def look(self) -> None:
        world = self.world
        if self.forget is not None:
            self.forget(world)
        state = (world.machine.canonical(), world.checker.canonical())
        self.left_out += state[0] != world.machine.key()
        self.states.append(state)


class Walk(Watching, RandomWalk):
    every_step = True


class Again(Watching, Replay):
    pass


def compare(spec: RunSpec, seeds: Sequence[int], forget: Forget = forget_the_dead) -> int:
    """Hold walks against walks that forget; return in how many states there was something dead."""
    first, second = spec.build(DirectTask), spec.build(DirectTask)
    left_out = 0
    for seed in seeds:
        walk = Walk(seed)
        walk.watch(first)
        outcome = drive(first, walk)
        again = Again(outcome.choices)
        again.watch(second, forget)
        other = drive(second, again)
        assert again.divergence is None
        for i, (one, two) in enumerate(zip(walk.states, again.states, strict=False)):
            assert one == two, difference(first, i, one, two)
        assert again.facts == walk.facts
        assert other.violations == outcome.violations
        assert (other.steps, other.bound) == (outcome.steps, outcome.bound)
        left_out += walk.left_out
    return left_out


def difference(world: VgicWorld, i: int, one: State, two: State) -> str:
    """Name the first part in which two states differ."""
    names = [name for name, _ in (*world.machine.parts, *world.checker.parts)]
    pairs = zip(names, (*one[0], *one[1]), (*two[0], *two[1]), strict=True)
    name, left, right = next(pair for pair in pairs if pair[1] != pair[2])
    return f"choice {i}: {name}: {left} or {right}"


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [
        ("timer-phys", "v4.14"),
        ("spi-level", "v7.2"),
    ],
)
def test_what_is_left_out_is_never_read_again(scenario: str, variant: str) -> None:
    assert compare(RunSpec.make(scenario, variant), range(1)) > 30


@pytest.mark.long
@pytest.mark.parametrize("variant", variant_names())
def test_in_every_era_and_patch(variant: str) -> None:
    if variant in SHOWS:
        assert compare(RunSpec.make(SHOWS[variant][0], variant), range(4)) > 10
        return
    for scenario in builtin_names():
        assert compare(RunSpec.make(scenario, variant), range(1)) > 30


# -- faults ----------------------------------------------------------------------------------------


def leave_out(kind: type[Part], **fields: object) -> Forget:
    """Take these fields of parts of one kind for dead, with these values."""

    def forget(world: VgicWorld) -> None:
        for _, part in world.machine.parts:
            if isinstance(part, kind):
                for name, value in fields.items():
                    setattr(part, name, value)
        forget_the_dead(world)

    return forget


@pytest.mark.parametrize(
    ("scenario", "variant", "fault"),
    [
        ("timer-wfi", "v4.14", leave_out(TimerContext, cval=0)),
        ("timer-wfi", "v7.2", leave_out(HrTimer, cpu=-1)),
        ("timer-wfi", "v7.2", leave_out(HwTimer, cval=0)),
        ("timer-busy", "v7.2", leave_out(Guest, vintid=0)),
        ("timer-busy", "v7.2", leave_out(Guest, instructions=0)),
        ("timer-busy", "v7.2", leave_out(Guest, taken=0)),
    ],
)
def test_what_is_read_again_is_not_dead(scenario: str, variant: str, fault: Forget) -> None:
    """The comparison can fail: each of these is read again."""
    with pytest.raises((AssertionError, KeyError, IndexError)):
        compare(RunSpec.make(scenario, variant), range(2), fault)


# -- what each part leaves out ---------------------------------------------------------------------


def test_a_guest_counts_no_further_than_its_program_asks() -> None:
    program = (
        Instruction(SPIN, 1, 5), Instruction(AWAIT, 3), Instruction(IDLE, 2),
        Instruction(PIDLE, 1), Instruction(HALT),
    )  # fmt: skip
    guest = Guest(0, program)
    guest.taken, guest.ptaken, guest.seen = 7, 4, (9, 3)
    counts = []
    for pc in range(len(program)):
        guest.pc = pc
        key: Any = guest.canonical()
        counts.append(key[guest.FIELDS.index("taken") : guest.FIELDS.index("seen") + 1])
    assert counts == [(2, 1, (3,)), (2, 1, (3,)), (2, 1, ()), (0, 1, ()), (0, 0, ())]


def test_a_vintid_counts_from_the_acknowledge_on() -> None:
    guest = Guest(0, (Instruction(HALT),))
    guest.vintid = 27
    found = []
    for guest.isr in (0, 1, 2):
        key: Any = guest.canonical()
        found.append(key[guest.FIELDS.index("vintid")])
    assert found == [0, 0, 27]


def test_a_timer_counts_while_somebody_has_it() -> None:
    timer = HwTimer(Clock(0))
    timer.cval = 5
    assert timer.canonical() == (0, 0, 0)
    timer.cntvoff = 4_000
    assert timer.canonical() == (5, 0, 4_000)
    alone, other = TimerContext(0, VTIMER, 4_000, alone=True), TimerContext(0, VTIMER, 4_000)
    for context in (alone, other):
        context.cval, context.ctl, context.loaded = 5, ENABLE, True
    assert alone.canonical() == (0, 0, True, False, False, 4_000)
    assert other.canonical() == other.key()


def test_a_canonical_key_is_its_own() -> None:
    """So it does not matter how often it is taken."""
    world = RunSpec.make("overflow-dir", "v7.2").build(DirectTask)

    class Look(Walk):
        def look(self) -> None:
            before: Machine = world.machine
            for _, part in (*before.parts, *world.checker.parts):
                key = part.canonical()
                part.restore(key)
                assert part.canonical() == part.key() == key
            super().look()

    walk = Look(1)
    walk.watch(world)
    drive(world, walk)
    assert len(walk.states) > 100


def test_an_orphan_counts_to_one() -> None:
    orphan = Orphan()
    assert orphan.canonical() == (0, False)
    orphan.reloaded = True
    assert orphan.canonical() == (0, False)
    orphan.stays = 3
    assert orphan.canonical() == (1, True)
