"""What is in flight between the GIC's blocks, and the four bounds on how late it may come."""

from collections.abc import Callable

import pytest

from harness.museum.bound_1_access import OvertakingMachine
from harness.museum.bound_2_exit import LateLineMachine
from harness.museum.bound_3_entry import LateDeactivationMachine
from model.facts import (
    DeactivationArrived,
    DeactivationSent,
    LineChanged,
    Signalled,
)
from model.machine import Machine
from model.timer import VTIMER_PPI
from tests.unit.model.bench import SPI, Bench

# -- what is in flight ----------------------------------------------------------------------------


def test_a_line_is_seen_only_when_delivered() -> None:
    b = Bench()
    b.fire()
    assert (b.line(), b.messages.line_differs(0), b.messages.line_differs(1)) == (
        False,
        True,
        False,
    )
    b.messages.deliver_line(0)
    assert (b.line(), b.messages.line_differs(0)) == (True, False)


def test_a_delivery_samples_the_level_of_that_moment() -> None:
    b = Bench()
    b.fire()
    b.fire(on=False)
    b.messages.deliver_line(0)
    assert not b.line()
    assert b.facts == []


def test_the_pin_is_seen_only_when_delivered() -> None:
    b = Bench()
    b.fire()
    b.messages.deliver_line(0)
    assert (b.pin(), b.messages.pin_differs(0)) == (False, True)
    b.messages.deliver_pin(0)
    b.messages.deliver_pin(0)
    assert b.pin()
    assert [fact for fact in b.facts if isinstance(fact, Signalled)] == [Signalled(0, True)]


def test_deactivations_arrive_in_order_one_by_one() -> None:
    b = Bench()
    for intid in (VTIMER_PPI, 30, VTIMER_PPI):
        b.deactivate_later(0, intid)
    channel = b.messages.channels[0]
    assert list(channel.deactivations) == [(VTIMER_PPI, 0), (30, 1), (VTIMER_PPI, 2)]
    b.messages.deliver_deactivation(0)
    assert list(channel.deactivations) == [(30, 1), (VTIMER_PPI, 2)]
    b.messages.deliver_deactivations(0)
    assert not channel.has_deactivation()
    told = [fact for fact in b.facts if isinstance(fact, DeactivationArrived)]
    assert [(fact.intid, fact.was_active) for fact in told] == [
        (VTIMER_PPI, True),
        (30, True),
        (VTIMER_PPI, False),
    ]
    sent = [fact for fact in b.facts if isinstance(fact, DeactivationSent)]
    assert [fact.message for fact in sent] == [fact.message for fact in told] == [0, 1, 2]


def test_a_line_that_fell_goes_ahead_of_the_deactivation() -> None:
    b = Bench()
    b.fire()
    b.messages.deliver_line(0)
    b.fire(on=False)
    b.deactivate_later()
    assert not b.line()
    kinds = [type(f) for f in b.facts if isinstance(f, LineChanged | DeactivationSent)]
    assert kinds == [LineChanged, LineChanged, DeactivationSent]


def test_a_line_that_rose_does_not() -> None:
    b = Bench()
    b.fire()
    b.deactivate_later()
    assert not b.line()


def test_edges_are_delivered_one_by_one() -> None:
    b = Bench()
    device = b.machine.devices[0]
    device.edges = 2
    b.messages.deliver_edge(device)
    assert (device.edges, b.gic.spis[SPI].latch) == (1, True)


# -- bound 1 --------------------------------------------------------------------------------------


def test_bound_1_an_access_waits_for_the_own_line_and_deactivations() -> None:
    b = Bench(lag=8)
    b.fire()
    b.deactivate_later()
    b.messages.before_access(0)
    assert (b.line(), b.active()) == (True, False)


def test_bound_1_does_not_reach_other_cpus_or_the_pin() -> None:
    b = Bench(lag=8)
    b.fire(1)
    b.deactivate_later(1)
    b.fire(0)
    b.messages.before_access(0)
    assert (b.line(1), b.active(1)) == (False, True)
    assert (b.line(0), b.pin(0)) == (True, False)


# -- bound 2 --------------------------------------------------------------------------------------


def test_bound_2_the_line_is_seen_when_the_exit_completes() -> None:
    b = Bench(lag=8)
    b.fire()
    b.messages.deliver_line(0)
    b.fire(on=False)
    b.messages.at_exit(0)
    assert not b.line()


def test_bound_2_leaves_deactivations_and_others_under_way() -> None:
    b = Bench(lag=8)
    b.deactivate_later(0)
    b.fire(1)
    b.messages.at_exit(0)
    assert (b.active(0), b.line(1)) == (True, False)


# -- bound 3 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 1, 8])
def test_bound_3_deactivations_arrive_before_the_next_entry(lag: int) -> None:
    b = Bench(lag=lag)
    b.deactivate_later(0)
    b.deactivate_later(1)
    b.messages.at_entry(0)
    assert (b.active(0), b.active(1)) == (False, True)


def test_bound_3_an_interrupt_is_no_entry() -> None:
    b = Bench(lag=0)
    b.deactivate_later()
    b.messages.at_interrupt(0)
    assert b.active()


# -- bound 4 --------------------------------------------------------------------------------------


def raise_line(b: Bench) -> Callable[[], bool]:
    b.fire()
    return b.line


def raise_pin(b: Bench) -> Callable[[], bool]:
    b.fire()
    b.messages.deliver_line(0)
    return b.pin


def send_edge(b: Bench) -> Callable[[], bool]:
    b.machine.devices[0].edges = 1
    return lambda: bool(b.gic.spis[SPI].latch)


@pytest.mark.parametrize("what", [raise_line, raise_pin, send_edge])
@pytest.mark.parametrize("order", ["eee", "iii", "eie", "iei"])
@pytest.mark.parametrize("lag", [0, 1, 2])
def test_bound_4_it_outlives_so_many_entries_and_interrupts(
    what: Callable[[Bench], Callable[[], bool]], order: str, lag: int
) -> None:
    b = Bench(lag=lag)
    arrived = what(b)
    seen = []
    for each in order:
        b.messages.at_entry(0) if each == "e" else b.messages.at_interrupt(0)
        seen.append(arrived())
    assert seen == [i >= lag for i in range(3)]


def test_bound_4_counts_on_the_cpu_that_it_goes_to() -> None:
    b = Bench(lag=1)
    b.fire(0)
    for _ in range(5):
        b.messages.at_entry(1)
    assert not b.line(0)


def test_bound_4_an_age_ends_with_what_it_is_the_age_of() -> None:
    b = Bench(lag=2)
    b.fire()
    b.messages.at_entry(0)
    b.fire(on=False)  # back to what the distributor has: nothing is in flight
    b.messages.at_entry(0)
    b.fire()
    seen = []
    for _ in range(3):
        b.messages.at_entry(0)
        seen.append(b.line())
    assert seen == [False, False, True]


def test_bound_4_a_delivery_in_between_starts_anew() -> None:
    b = Bench(lag=2)
    for pin, change in ((b.line, True), (b.line, False)):
        b.fire(on=change)
        b.messages.at_entry(0)
        b.messages.deliver_line(0)
        assert pin() == change
        b.fire(on=not change)
        b.messages.at_entry(0)
        b.messages.at_entry(0)
        assert b.line() == change
        b.fire(on=change)


# -- without bounds, and with one missing ---------------------------------------------------------


def test_lagging_has_no_bounds() -> None:
    b = Bench(lag=0, mode="lagging")
    b.fire()
    b.deactivate_later()
    for bound in (b.messages.before_access, b.messages.at_exit, b.messages.at_entry):
        for _ in range(3):
            bound(0)
    b.messages.at_interrupt(0)
    assert (b.line(), b.active(), b.pin()) == (False, True, False)


def test_lagging_lets_a_deactivation_overtake_the_fall_of_its_line() -> None:
    for mode, falls in (("queued", True), ("lagging", False)):
        b = Bench(mode=mode)
        b.fire()
        b.messages.deliver_line(0)
        b.fire(on=False)
        b.deactivate_later()
        assert b.line() is not falls


def test_lagging_lets_a_cpu_take_what_it_has_acknowledged() -> None:
    for mode, falls in (("queued", True), ("lagging", False)):
        b = Bench(mode=mode)
        b.gic.set_line(0, VTIMER_PPI, True)
        b.messages.deliver_pin(0)
        b.gic.iar(0)
        b.messages.at_acknowledge(0)
        assert b.pin() is not falls


def test_synchronous_keeps_the_bounds() -> None:
    b = Bench(mode="synchronous")
    b.fire()
    b.messages.before_access(0)
    assert b.line()


def kept(cls: type[Machine]) -> list[bool]:
    """Which of bounds 1 to 4 a machine keeps."""
    one, two, three, four = (Bench(lag=1, cls=cls) for _ in range(4))
    one.deactivate_later()
    one.messages.before_access(0)
    two.fire()
    two.messages.at_exit(0)
    three.deactivate_later()
    three.messages.at_entry(0)
    four.fire()
    four.messages.at_entry(0)
    four.messages.at_entry(0)
    return [not one.active(), two.line(), not three.active(), four.line()]


@pytest.mark.parametrize(
    ("cls", "broken"),
    [
        (Machine, 0),
        (OvertakingMachine, 1),
        (LateLineMachine, 2),
        (LateDeactivationMachine, 3),
    ],
)
def test_each_broken_machine_breaks_one_bound(cls: type[Machine], broken: int) -> None:
    assert kept(cls) == [bound != broken for bound in (1, 2, 3, 4)]
