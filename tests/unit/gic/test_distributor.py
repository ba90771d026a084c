"""The physical state machine: events against states, SGIs, shared SPIs, LPIs, facts."""

from collections.abc import Callable

import pytest

from model.facts import AckedByHost, ActiveChanged, Fact, IpiSent, LineChanged, PendingChanged
from model.gic.gic import Gic

PPI = 27
SPI = 40


def state(gic: Gic, intid: int) -> str:
    """Return the architectural state as one of "I", "P", "A", "PA"."""
    pending = gic.is_pending(0, intid)
    active = gic.is_active(0, intid)
    return ("P" if pending else "") + ("A" if active else "") or "I"


def edge_in(start: str, intid: int, version: int) -> Gic:
    gic = Gic(version=version, cpus=2, spis=(SPI,))
    gic.set_edge(0, intid, True)
    gic.set_pending(0, intid, "P" in start)
    gic.set_active(0, intid, "A" in start)
    assert state(gic, intid) == start
    return gic


def level_in(start: str, intid: int, version: int) -> Gic:
    gic = Gic(version=version, cpus=2, spis=(SPI,))
    gic.set_line(0, intid, "P" in start)
    gic.set_active(0, intid, "A" in start)
    assert state(gic, intid) == start
    return gic


def acknowledge(gic: Gic, intid: int) -> None:
    assert gic.iar(0) in (intid, 1023)


EDGE_EVENTS: dict[str, tuple[Callable[[Gic, int], object], str]] = {
    # The states reached from I, P, A and PA.
    "edge": (lambda g, i: g.edge(0, i), "P P PA PA"),
    "rising input": (lambda g, i: g.set_line(0, i, True), "P P PA PA"),
    "ispendr": (lambda g, i: g.set_pending(0, i, True), "P P PA PA"),
    "icpendr": (lambda g, i: g.set_pending(0, i, False), "I I A A"),
    "isactiver": (lambda g, i: g.set_active(0, i, True), "A PA A PA"),
    "icactiver": (lambda g, i: g.set_active(0, i, False), "I P I P"),
    "iar": (acknowledge, "I A A PA"),
    "deactivate": (lambda g, i: g.deactivate(0, i), "I P I P"),
    "dir": (lambda g, i: g.dir(0, i), "I P I P"),
    "disable": (lambda g, i: g.set_enable(0, i, False), "I P A PA"),
}
LEVEL_EVENTS: dict[str, tuple[Callable[[Gic, int], object], str]] = {
    "line rises": (lambda g, i: g.set_line(0, i, True), "P P PA PA"),
    "line falls": (lambda g, i: g.set_line(0, i, False), "I I A A"),
    "edge": (lambda g, i: g.edge(0, i), "I P A PA"),
    "ispendr": (lambda g, i: g.set_pending(0, i, True), "P P PA PA"),
    "icpendr": (lambda g, i: g.set_pending(0, i, False), "I P A PA"),
    "isactiver": (lambda g, i: g.set_active(0, i, True), "A PA A PA"),
    "icactiver": (lambda g, i: g.set_active(0, i, False), "I P I P"),
    "iar": (acknowledge, "I PA A PA"),
    "deactivate": (lambda g, i: g.deactivate(0, i), "I P I P"),
    "disable": (lambda g, i: g.set_enable(0, i, False), "I P A PA"),
}


def rows(
    events: dict[str, tuple[Callable[[Gic, int], object], str]],
) -> list[tuple[str, str, str]]:
    return [
        (name, start, end)
        for name, (_, ends) in events.items()
        for start, end in zip(("I", "P", "A", "PA"), ends.split(), strict=True)
    ]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("intid", [PPI, SPI])
@pytest.mark.parametrize(("name", "start", "end"), rows(EDGE_EVENTS))
def test_edge_interrupt(version: int, intid: int, name: str, start: str, end: str) -> None:
    gic = edge_in(start, intid, version)
    EDGE_EVENTS[name][0](gic, intid)
    assert state(gic, intid) == end


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("intid", [PPI, SPI])
@pytest.mark.parametrize(("name", "start", "end"), rows(LEVEL_EVENTS))
def test_level_interrupt(version: int, intid: int, name: str, start: str, end: str) -> None:
    gic = level_in(start, intid, version)
    LEVEL_EVENTS[name][0](gic, intid)
    assert state(gic, intid) == end


@pytest.mark.parametrize("intid", [PPI, SPI])
@pytest.mark.parametrize(
    ("start", "signalled"), [("I", False), ("P", True), ("A", False), ("PA", False)]
)
def test_only_exactly_pending_is_forwarded(intid: int, start: str, signalled: bool) -> None:
    assert edge_in(start, intid, 3).irq_signal(0) is signalled
    assert level_in(start, intid, 3).irq_signal(0) is signalled


@pytest.mark.parametrize("intid", [PPI, SPI])
def test_software_latch_of_a_level_interrupt_outlives_its_line(intid: int) -> None:
    gic = level_in("P", intid, 3)
    gic.set_pending(0, intid, True)
    gic.set_line(0, intid, False)
    assert state(gic, intid) == "P"
    assert gic.iar(0) == intid
    assert state(gic, intid) == "A"


@pytest.mark.parametrize("intid", [PPI, SPI])
def test_disabling_stops_forwarding_and_nothing_else(intid: int) -> None:
    gic = edge_in("I", intid, 3)
    gic.set_enable(0, intid, False)
    gic.edge(0, intid)
    assert state(gic, intid) == "P"
    assert (gic.irq_signal(0), gic.iar(0), gic.is_enabled(0, intid)) == (False, 1023, False)
    gic.set_enable(0, intid, True)
    assert gic.irq_signal(0)
    assert gic.iar(0) == intid
    gic.set_enable(0, intid, False)
    gic.eoir(0, intid)
    gic.dir(0, intid)
    assert state(gic, intid) == "I"


def test_ppis_are_banked() -> None:
    gic = Gic(cpus=2)
    gic.set_line(1, PPI, True)
    assert (gic.irq_signal(0), gic.irq_signal(1)) == (False, True)
    assert gic.iar(0) == 1023
    assert gic.iar(1) == PPI
    gic.eoir(1, PPI)
    gic.dir(0, PPI)
    assert gic.is_active(1, PPI)
    gic.dir(1, PPI)
    assert not gic.is_active(1, PPI)


def test_gicv2_sgi_is_delivered_once_per_source() -> None:
    gic = Gic(version=2, cpus=3)
    gic.send_sgi(2, 0, 5)
    gic.send_sgi(1, 0, 5)
    gic.send_sgi(1, 0, 5)
    assert gic.hppir(0) == 5 | 1 << 10
    first = gic.iar(0)
    assert first == 5 | 1 << 10
    assert state(gic, 5) == "PA"
    gic.eoir(0, first)
    gic.dir(0, first)
    second = gic.iar(0)
    assert second == 5 | 2 << 10
    assert state(gic, 5) == "A"
    gic.eoir(0, second)
    gic.dir(0, second)
    assert (state(gic, 5), gic.iar(0)) == ("I", 1023)


def test_gicv2_sgi_pending_bits_are_per_source_registers() -> None:
    gic = Gic(version=2, cpus=2)
    gic.set_pending(0, 5, True)
    assert state(gic, 5) == "I"
    gic.set_sgi_pending(0, 5, 1, True)
    gic.set_pending(0, 5, False)
    assert gic.iar(0) == 5 | 1 << 10
    gic.set_sgi_pending(0, 6, 0, True)
    gic.set_sgi_pending(0, 6, 1, True)
    gic.set_sgi_pending(0, 6, 0, False)
    assert state(gic, 6) == "P"
    gic.set_sgi_pending(0, 6, 1, False)
    assert state(gic, 6) == "I"


def test_gicv3_sgi_has_no_source() -> None:
    gic = Gic(version=3, cpus=3)
    gic.send_sgi(2, 0, 5)
    gic.send_sgi(1, 0, 5)
    assert gic.iar(0) == 5
    gic.eoir(0, 5)
    gic.dir(0, 5)
    assert gic.iar(0) == 1023
    gic.set_pending(0, 5, True)
    assert gic.iar(0) == 5


def test_sgis_are_always_edge() -> None:
    gic = Gic(cpus=1)
    gic.set_edge(0, 5, False)
    assert gic.is_edge(0, 5)
    assert not gic.is_edge(0, PPI)


def test_gicv3_routes_to_one_cpu_or_all() -> None:
    gic = Gic(version=3, cpus=3, spis=(SPI,))
    gic.set_targets(0, SPI, 0b111)
    with pytest.raises(ValueError, match="IROUTER"):
        gic.set_targets(0, SPI, 0b011)


def test_lpi_is_pending_or_inactive_and_never_active() -> None:
    gic = Gic(cpus=2)
    lpi = 8200
    gic.msi(1, lpi)
    assert (gic.irq_signal(0), gic.irq_signal(1)) == (False, True)
    assert gic.hppir(1) == lpi
    assert gic.iar(1) == lpi
    assert (gic.is_pending(1, lpi), gic.is_active(1, lpi)) == (False, False)
    assert gic.rpr(1) == 0xA0
    gic.msi(1, lpi)
    assert gic.is_pending(1, lpi)
    assert not gic.irq_signal(1), "the running priority still holds it back"
    gic.eoir(1, lpi)
    gic.dir(1, lpi)
    assert gic.irq_signal(1)
    gic.set_active(1, lpi, True)
    assert not gic.is_active(1, lpi)


def test_lpi_messages_coalesce_and_can_be_cleared_and_disabled() -> None:
    gic = Gic(cpus=1)
    gic.msi(0, 8192)
    gic.msi(0, 8192)
    assert gic.iar(0) == 8192
    gic.eoir(0, 8192)
    assert gic.iar(0) == 1023
    gic.set_enable(0, 8192, False)
    gic.msi(0, 8192)
    assert (gic.is_enabled(0, 8192), gic.irq_signal(0)) == (False, False)
    gic.set_enable(0, 8192, True)
    assert gic.irq_signal(0)
    gic.set_pending(0, 8192, False)
    assert not gic.irq_signal(0)


def test_lpis_are_ordered_by_priority_then_intid() -> None:
    gic = Gic(cpus=1)
    gic.set_priority(0, 8195, 0x40)
    for lpi in (8194, 8193, 8195):
        gic.msi(0, lpi)
    assert gic.iar(0) == 8195
    gic.eoir(0, 8195)
    assert gic.iar(0) == 8193


def test_unimplemented_spis_read_as_zero_and_ignore_writes() -> None:
    gic = Gic(cpus=1)
    gic.set_pending(0, 99, True)
    gic.set_active(0, 99, True)
    gic.deactivate(0, 99)
    gic.set_enable(0, 99, True)
    gic.set_priority(0, 99, 0)
    gic.set_group(0, 99, 0)
    gic.set_edge(0, 99, True)
    gic.set_targets(0, 99, 1)
    reads = (gic.is_pending, gic.is_active, gic.is_enabled, gic.is_edge, gic.line)
    assert not any(read(0, 99) for read in reads)
    assert not gic.implements(99)


@pytest.mark.parametrize(
    "bad",
    [
        {"version": 4, "cpus": 1},
        {"version": 2, "cpus": 9},
        {"cpus": 1, "spis": (31,)},
        {"cpus": 1, "lrs": 17},
        {"cpus": 1, "lr_on_guest_deactivate": "yes"},
    ],
)
def test_impossible_machines_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"GIC|SPI|lr_on_guest"):
        Gic(**bad)  # type: ignore[arg-type]


def test_facts_of_a_level_spi() -> None:
    facts: list[Fact] = []
    gic = Gic(cpus=1, spis=(SPI,), emit=facts.append)
    gic.set_line(0, SPI, True)
    gic.set_line(0, SPI, True)
    gic.iar(0)
    gic.set_line(0, SPI, False)
    gic.dir(0, SPI)
    gic.dir(0, SPI)
    assert facts == [
        LineChanged(-1, SPI, True),
        AckedByHost(0, SPI),
        ActiveChanged(-1, SPI, True, "ack"),
        LineChanged(-1, SPI, False),
        ActiveChanged(-1, SPI, False, "deactivate"),
    ]


def test_facts_of_an_edge_ppi() -> None:
    facts: list[Fact] = []
    gic = Gic(cpus=2, emit=facts.append)
    gic.set_edge(1, PPI, True)
    gic.edge(1, PPI)
    gic.edge(1, PPI)
    gic.iar(1)
    gic.set_active(1, PPI, False)
    gic.set_active(1, PPI, False)
    assert facts == [
        PendingChanged(1, PPI, True),
        AckedByHost(1, PPI),
        PendingChanged(1, PPI, False),
        ActiveChanged(1, PPI, True, "ack"),
        ActiveChanged(1, PPI, False, "write"),
    ]


def test_facts_of_a_gicv2_sgi_from_two_sources() -> None:
    facts: list[Fact] = []
    gic = Gic(version=2, cpus=2, emit=facts.append)
    gic.send_sgi(0, 0, 5)
    gic.send_sgi(1, 0, 5)
    gic.iar(0)
    assert facts == [
        IpiSent(0, 0, 5),
        PendingChanged(0, 5, True),
        IpiSent(1, 0, 5),
        AckedByHost(0, 5),
        ActiveChanged(0, 5, True, "ack"),
    ]
