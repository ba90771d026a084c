"""Equal keys, equal futures: the machine along random histories of all it can do.

Each property is a function that a broken machine is shown to fail.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings

from model.check.state import MembersPart, State
from model.gic.cpu_interface import CpuInterface
from model.gic.gic import Gic
from model.gic.state import Spi
from model.machine import Config, Machine
from model.messages import Messages
from model.part import Part
from tests.unit.model.histories import (
    CONFIGS,
    HISTORIES,
    TABLE,
    Operation,
    Run,
    caches,
    config,
    drawn,
    immutable,
)

FIXED = settings(max_examples=80, deadline=None, derandomize=True, database=None)
History = Sequence[Operation]


def go_on_equally(first: Run, second: Run, more: History) -> None:
    """Step by step: what is returned, what is told, and the state."""
    assert first.machine.key() == second.machine.key()
    first.facts.clear()
    second.facts.clear()
    for operation in more:
        assert first.apply(operation) == second.apply(operation)
        assert first.facts == second.facts
        assert first.machine.key() == second.machine.key()
    assert caches(first.machine) == caches(second.machine)


def copy_goes_on(kind: type[Machine], of: Config, history: History, more: History) -> None:
    run = Run(of, kind)
    run.play(history)
    copy = run.copy()
    assert hash(copy.machine.key()) == hash(run.machine.key())
    go_on_equally(run, copy, more)


def restored_goes_on(
    kind: type[Machine], of: Config, history: History, elsewhere: History, more: History
) -> None:
    run, other = Run(of, kind), Run(of, kind)
    run.play(history)
    other.play(elsewhere)
    other.machine.restore(run.machine.key())
    go_on_equally(run, other, more)


def derived_from_the_state(kind: type[Machine], of: Config, history: History) -> None:
    """What the parts keep is, after every operation, what would be found anew or elsewhere."""
    run, other = Run(of, kind), Run(of, kind)
    for operation in history:
        run.apply(operation)
        kept, key = caches(run.machine), run.machine.key()
        other.machine.reset()
        other.machine.restore(key)
        assert caches(other.machine) == kept, operation
        for _, part in run.machine.parts:
            part.derive()
        assert caches(run.machine) == kept, operation
        assert run.machine.key() == key, operation


def only_values(kind: type[Machine], of: Config, history: History) -> None:
    """Every field is immutable and hashable, and no key of before is changed by what comes."""
    run = Run(of, kind)
    keys = []
    for operation in history:
        key = run.machine.key()
        keys.append((key, hash(key)))
        run.apply(operation)
        for _, part in run.machine.parts:
            for field in part.FIELDS:
                assert immutable(getattr(part, field)), (part, field)
    assert all(hash(key) == before for key, before in keys)


def twins(of: Config, kind: type[Machine], histories: int) -> list[tuple[History, History]]:
    """Pairs of different short histories that end in equal keys."""
    known: dict[tuple[object, ...], History] = {}
    found: list[tuple[History, History]] = []
    run = Run(of, kind)
    for seed in range(histories):
        history = drawn(seed, 4 + seed % 3, SHORT)
        run.machine.reset()
        run.play(history)
        other = known.setdefault(run.machine.key(), history)
        if [each for each in other if each not in history]:
            found.append((other, history))
    return found


SHORT = ("set_line", "iar", "eoir", "dir", "set_pending", "set_active", "viar", "deliver_line")


# -- the machine -----------------------------------------------------------------------------------


@given(CONFIGS, HISTORIES, HISTORIES)
@FIXED
def test_a_copy_goes_on_as_the_original(of: Config, history: History, more: History) -> None:
    copy_goes_on(Machine, of, history, more)


@given(CONFIGS, HISTORIES, HISTORIES, HISTORIES)
@FIXED
def test_a_machine_that_was_elsewhere_goes_on_as_the_original(
    of: Config, history: History, elsewhere: History, more: History
) -> None:
    restored_goes_on(Machine, of, history, elsewhere, more)


@given(CONFIGS, HISTORIES)
@settings(FIXED, max_examples=40)
def test_what_is_derived_needs_no_memory(of: Config, history: History) -> None:
    derived_from_the_state(Machine, of, history)


@given(CONFIGS, HISTORIES)
@settings(FIXED, max_examples=40)
def test_the_state_is_made_of_values(of: Config, history: History) -> None:
    only_values(Machine, of, history)


@pytest.mark.parametrize("version", [2, 3])
def test_different_histories_with_equal_keys_go_on_equally(version: int) -> None:
    of = config(version)
    pairs = twins(of, Machine, 500)
    assert len(pairs) >= 40
    for seed, (first, second) in enumerate(pairs[:60]):
        one, two = Run(of), Run(of)
        one.play(first)
        two.play(second)
        go_on_equally(one, two, drawn(1_000 + seed, 40))


def test_long_histories() -> None:
    """Deeper than the examples above: what needs many operations to come about."""
    for seed, version in ((1, 2), (2, 3), (3, 2), (4, 3)):
        copy_goes_on(Machine, config(version), drawn(seed, 600), drawn(seed + 10, 600))


def test_histories_do_everything() -> None:
    """No operation is there in name only: each changes a state or shows one."""
    idle = set(TABLE)
    for seed in range(6):
        run = Run(config(2 + seed % 2))
        for operation in drawn(seed, 1_500):
            before = run.machine.key()
            shown = run.apply(operation)
            if run.machine.key() != before or shown is not None:
                idle.discard(str(operation[0]))
    assert not idle


# -- each part -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
def test_each_part_alone_is_copied_and_restored(version: int) -> None:
    """Only the part itself moves, by either way, and what is derived from it comes along."""
    run, moved = Run(config(version)), Run(config(version))
    fresh = moved.machine.initial
    unmoved = {name.rstrip("0123456789") for name, _ in run.machine.parts}
    for seed in range(15):
        run.play(drawn(seed, 100, (*TABLE, *["write_field"] * len(TABLE))))
        for i, (name, part) in enumerate(run.machine.parts):
            target = moved.machine.parts[i][1]
            for move in (part.copy_to, lambda other, part=part: other.restore(part.key())):
                moved.machine.reset()
                move(target)
                key = moved.machine.key()
                assert key[i] == part.key(), name
                assert (key[:i], key[i + 1 :]) == (fresh[:i], fresh[i + 1 :]), name
                for cache in getattr(part, "CACHES", ()):
                    assert getattr(target, cache) == getattr(part, cache), (name, cache)
            if part.key() != fresh[i]:
                unmoved.discard(name.rstrip("0123456789"))
    assert not unmoved


def all_parts() -> list[type[Part]]:
    found: list[type[Part]] = []
    todo: list[type[Part]] = [Part]
    while todo:
        for cls in todo.pop().__subclasses__():
            todo.append(cls)
            if cls.__module__.startswith("model.") and not issubclass(cls, State | MembersPart):
                found.append(cls)
    return found


@pytest.mark.parametrize("cls", all_parts(), ids=lambda cls: cls.__name__)
def test_each_slot_of_a_part_is_state_or_cache_or_wiring(cls: type[Part]) -> None:
    """Wiring is what two machines of one configuration have alike, whatever happened to them.

    A part that says what happens to it says it to whom its own machine tells it.
    """
    slots = {slot for base in cls.__mro__ for slot in getattr(base, "__slots__", ())}
    state = {*cls.FIELDS, *getattr(cls, "CACHES", ())}
    assert state <= slots
    wiring = slots - state - {"clock", "emit"}
    run, fresh = Run(config()), Run(config())
    run.play(drawn(7, 500))
    pairs = zip(run.machine.parts, fresh.machine.parts, strict=True)
    for (name, part), (_, other) in pairs:
        if type(part) is cls:
            assert not hasattr(part, "__dict__"), name
            for slot in wiring:
                assert getattr(part, slot) == getattr(other, slot), (name, slot)
            for each, machine in ((part, run.machine), (other, fresh.machine)):
                assert getattr(each, "emit", machine.emit) == machine.emit, name


# -- broken on purpose -----------------------------------------------------------------------------


class Counting(CpuInterface):
    """Remembers, beside its state, how often its limits were computed; then it goes deaf."""

    __slots__ = ("computed",)

    def refresh(self) -> None:
        self.computed = getattr(self, "computed", 0) + 1
        super().refresh()
        if self.computed > 12:
            self.limit1 = 0


class Mutable(Spi):
    """Keeps a list among its fields."""

    FIELDS = (*Spi.FIELDS, "history")  # type: ignore[assignment]
    __slots__ = ("history",)

    def __init__(self, intid: int) -> None:
        self.history: list[bool] = []
        super().__init__(intid)

    def derive(self) -> None:
        super().derive()
        self.history.append(self.latch)


class Stale(Spi):
    """Does not look again when it is disabled."""

    __slots__ = ()

    def derive(self) -> None:
        if self.enable or not hasattr(self, "best1"):
            super().derive()


def gic_with(*, cpuif: type[CpuInterface] = CpuInterface, spi: type[Spi] = Spi) -> type[Gic]:
    class Broken(Gic):
        def __init__(self, **sizes: object) -> None:
            super().__init__(**sizes)  # type: ignore[arg-type]
            self.cpuifs = [cpuif(c) for c in range(self.cpus)]
            self.spis = {intid: spi(intid) for intid in self.spis}
            self.spi_list = list(self.spis.values())

    return Broken


class HiddenState(Machine):
    gic_class = gic_with(cpuif=Counting)


class HiddenList(Machine):
    gic_class = gic_with(spi=Mutable)


class StaleCache(Machine):
    gic_class = gic_with(spi=Stale)


class ForgetfulMessages(Messages):
    """Loses every third sample of a timer's line, counted outside of any part."""

    samples = 0

    def deliver_line(self, c: int) -> None:
        self.samples += 1
        if self.samples % 3:
            super().deliver_line(c)


class HiddenOutsideParts(Machine):
    messages_class = ForgetfulMessages


def few(seed: int, length: int) -> History:
    return drawn(seed, length, FEW)


FEW = (
    "set_line", "set_pending", "set_enable", "set_pmr", "iar", "eoir", "dir", "queries",
    "deliver_line", "timer_ctl", "move_clock",
)  # fmt: skip
PROPERTIES: dict[str, Callable[[type[Machine], Config, int], None]] = {
    "copy": lambda kind, of, seed: copy_goes_on(kind, of, few(seed, 60), few(~seed, 60)),
    "restore": lambda kind, of, seed: restored_goes_on(
        kind, of, few(seed, 60), few(1_000 + seed, 20), few(~seed, 60)
    ),
    "derived": lambda kind, of, seed: derived_from_the_state(kind, of, few(seed, 60)),
    "values": lambda kind, of, seed: only_values(kind, of, few(seed, 60)),
}
CAUGHT = [
    (HiddenState, "copy"),
    (HiddenState, "restore"),
    (HiddenState, "derived"),
    (HiddenList, "values"),
    (HiddenList, "copy"),
    (StaleCache, "restore"),
    (StaleCache, "derived"),
    (HiddenOutsideParts, "copy"),
    (HiddenOutsideParts, "restore"),
]


@pytest.mark.parametrize(("kind", "name"), CAUGHT)
def test_a_broken_machine_fails(kind: type[Machine], name: str) -> None:
    def all_hold() -> None:
        for seed in range(30):
            PROPERTIES[name](kind, config(), seed)

    with pytest.raises((AssertionError, TypeError)):
        all_hold()


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_the_machine_passes_where_the_broken_ones_fail(name: str) -> None:
    for seed in range(30):
        PROPERTIES[name](Machine, config(), seed)
