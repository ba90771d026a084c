"""The parts of the GIC: key, copy and what is derived from the state, along random histories."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from model.facts import Fact
from model.gic.gic import Gic
from model.gic.lr import Lr

INTIDS = st.sampled_from([3, 16, 27, 40, 41, 8192, 8193])
PRIVATE = st.sampled_from([3, 16, 27, 40, 41])
CPUS = st.integers(0, 1)
BOOLS = st.booleans()
PRIORITIES = st.sampled_from([0x40, 0x80, 0xA0, 0xA8, 0xF8])
VINTIDS = st.sampled_from([3, 27, 40, 41, 8192, 1021])
GROUPS = st.integers(0, 1)
LRS = st.builds(
    Lr,
    vintid=VINTIDS,
    state=st.integers(0, 3),
    hw=BOOLS,
    pintid=st.sampled_from([5, 27, 40]),
    priority=PRIORITIES,
    group=GROUPS,
    eoi=BOOLS,
)
OPERATIONS = st.one_of(
    st.tuples(st.just("set_line"), CPUS, st.sampled_from([16, 27, 40, 41]), BOOLS),
    st.tuples(st.just("edge"), CPUS, INTIDS),
    st.tuples(st.just("send_sgi"), CPUS, CPUS, st.integers(0, 15)),
    st.tuples(
        st.sampled_from(["set_enable", "set_pending", "set_active", "set_edge", "set_group"]),
        CPUS,
        INTIDS,
        BOOLS,
    ),
    st.tuples(st.just("set_priority"), CPUS, INTIDS, PRIORITIES),
    st.tuples(st.just("set_targets"), CPUS, PRIVATE, st.integers(1, 3)),
    st.tuples(st.sampled_from(["deactivate", "dir"]), CPUS, INTIDS),
    st.tuples(st.just("iar"), CPUS, GROUPS),
    st.tuples(st.just("eoir"), CPUS, INTIDS, GROUPS),
    st.tuples(st.sampled_from(["set_pmr", "set_vpmr"]), CPUS, PRIORITIES),
    st.tuples(st.sampled_from(["set_eoimode", "set_veoimode"]), CPUS, GROUPS),
    st.tuples(st.sampled_from(["set_bpr", "set_vbpr"]), CPUS, GROUPS, st.integers(0, 7)),
    st.tuples(st.sampled_from(["set_group_enable", "set_vgroup_enable"]), CPUS, GROUPS, BOOLS),
    st.tuples(st.just("write_lr"), CPUS, st.integers(0, 3), LRS),
    st.tuples(st.just("write_hcr"), CPUS, st.integers(0, 0xFF).map(lambda x: x | 1)),
    st.tuples(st.sampled_from(["set_cbpr", "set_vcbpr"]), CPUS, BOOLS),
    st.tuples(st.just("viar"), CPUS, GROUPS),
    st.tuples(st.just("veoir"), CPUS, VINTIDS, GROUPS),
    st.tuples(st.just("vdir"), CPUS, VINTIDS),
)
HISTORIES = st.lists(OPERATIONS, max_size=40)
SETTINGS = st.sampled_from(["arch", "polled", "quirk", "erratum"])


def build(version: int, setting: str = "arch", *, counts: bool = False) -> Gic:
    return Gic(
        version=version,
        cpus=2,
        spis=(40, 41),
        lr_on_guest_deactivate=setting,
        eoicount_on_eoir_mode1=counts,
    )


def play(gic: Gic, history: list[tuple[object, ...]]) -> list[object]:
    """Do it all; return what each operation returned."""
    returned = []
    for name, *arguments in history:
        if gic.version == 2 and max(a for a in (*arguments, 0) if isinstance(a, int)) >= 8192:
            continue  # GICv2 has no LPIs
        operation: Callable[..., object] = getattr(gic, str(name))
        returned.append(operation(*arguments))
    return returned


def derived(gic: Gic) -> list[object]:
    return [
        tuple(getattr(part, name) for name in part.CACHES)  # type: ignore[attr-defined]
        for _, part in gic.parts()
    ]


def view(gic: Gic) -> list[object]:
    return [
        read(c)
        for c in range(gic.cpus)
        for read in (
            gic.irq_signal, gic.fiq_signal, gic.hppir, gic.rpr, gic.virq_signal, gic.vfiq_signal,
            gic.vhppir, gic.vrpr, gic.elrsr, gic.eisr, gic.misr, gic.maintenance, gic.eoicount,
        )
    ]  # fmt: skip


def keys(gic: Gic) -> list[object]:
    return [part.key() for _, part in gic.parts()]


def test_names_and_order_of_the_parts() -> None:
    assert [name for name, _ in build(3).parts()] == [
        "bank0", "bank1", "cpuif0", "cpuif1", "vif0", "vif1", "lpis0", "lpis1", "spi40", "spi41",
    ]  # fmt: skip
    assert [name for name, _ in build(2).parts()] == [
        "bank0", "bank1", "cpuif0", "cpuif1", "vif0", "vif1", "spi40", "spi41",
    ]  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(history=HISTORIES, setting=SETTINGS)
def test_a_copy_is_equal_and_what_is_derived_needs_no_memory(
    version: int, history: list[tuple[object, ...]], setting: str
) -> None:
    gic, other = build(version, setting), build(version, setting)
    play(gic, history)
    for (_, part), (_, copy) in zip(gic.parts(), other.parts(), strict=True):
        part.copy_to(copy)
    assert keys(other) == keys(gic)
    assert derived(other) == derived(gic)
    assert view(other) == view(gic)
    for _, part in gic.parts():
        part.derive()
    assert derived(gic) == derived(other)


@pytest.mark.parametrize("version", [2, 3])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(history=HISTORIES, more=HISTORIES, counts=BOOLS)
def test_a_copy_goes_the_same_way_and_leaves_the_original_alone(
    version: int,
    history: list[tuple[object, ...]],
    more: list[tuple[object, ...]],
    counts: bool,
) -> None:
    gic, other = build(version, counts=counts), build(version, counts=counts)
    play(gic, history)
    before = keys(gic)
    hash(tuple(before))
    for (_, part), (_, copy) in zip(gic.parts(), other.parts(), strict=True):
        copy.restore(part.key())
    told: tuple[list[Fact], list[Fact]] = ([], [])
    gic.emit, other.emit = told[0].append, told[1].append
    returned = play(other, more)
    assert keys(gic) == before
    assert play(gic, more) == returned
    assert told[0] == told[1]
    assert keys(gic) == keys(other)


@pytest.mark.parametrize("version", [2, 3])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(history=HISTORIES)
def test_what_is_signalled_is_what_an_acknowledge_takes(
    version: int, history: list[tuple[object, ...]]
) -> None:
    gic = build(version)
    play(gic, history)
    for c in (0, 1):
        signal, first = gic.irq_signal(c), gic.hppir(c)
        taken = gic.iar(c)
        assert (taken != 1023) is signal
        assert taken in (first, 1023)
        signal, first = gic.virq_signal(c), gic.vhppir(c)
        taken = gic.viar(c)
        assert (taken != 1023) is signal
        assert taken in (first, 1023)


@pytest.mark.parametrize("version", [2, 3])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(history=HISTORIES)
def test_an_spi_is_never_offered_while_active(
    version: int, history: list[tuple[object, ...]]
) -> None:
    gic = build(version)
    play(gic, history)
    offered = [gic.iar(0), gic.iar(1)]
    for intid in (40, 41):
        assert offered.count(intid) <= 1
        if gic.is_active(0, intid):
            assert intid not in (gic.hppir(0), gic.hppir(1))
