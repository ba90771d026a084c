"""Messages that only a knob makes: writes that are posted, and the IPIs of the host."""

from model.facts import IpiSent
from model.timer import VTIMER_PPI
from tests.unit.model.bench import SPI, Bench

# -- posted writes ---------------------------------------------------------------------------------


def test_a_posted_write_takes_effect_later() -> None:
    b = Bench(posted=True)
    b.machine.write_active(0, 0, VTIMER_PPI, True)
    assert (b.active(), b.messages.in_flight(0), b.messages.in_flight(1)) == (False, True, False)
    b.messages.deliver_write(0)
    assert (b.active(), b.messages.in_flight(0)) == (True, False)


def test_one_that_is_read_back_does_at_once_and_so_does_one_that_clears() -> None:
    b = Bench(posted=True)
    b.machine.write_active(0, 0, SPI, True)
    b.machine.write_active(0, 0, VTIMER_PPI, True, read_back=True)
    assert (b.active(), b.gic.is_active(0, SPI)) == (True, True)
    b.machine.write_active(0, 0, SPI, True)
    b.machine.write_active(0, 0, SPI, False)
    assert not b.gic.is_active(0, SPI)
    assert not b.messages.channels[0].has_write()


def test_a_posted_write_outlives_so_many_entries_and_no_more() -> None:
    b = Bench(lag=1, posted=True)
    b.machine.write_active(0, 0, VTIMER_PPI, True)
    b.messages.at_entry(1)
    b.messages.at_entry(0)
    b.messages.before_access(0)
    assert not b.active()
    b.messages.at_entry(0)
    assert b.active()
    b.machine.write_active(0, 0, SPI, True)
    b.messages.at_entry(0)
    assert not b.gic.is_active(0, SPI)


def test_a_deactivation_may_overtake_a_posted_write() -> None:
    b = Bench(posted=True)
    b.machine.write_active(0, 0, VTIMER_PPI, True)
    b.messages.send_deactivation(0, VTIMER_PPI)
    b.messages.deliver_deactivation(0)
    b.messages.deliver_write(0)
    assert b.active()


# -- IPIs -----------------------------------------------------------------------------------------


def pending_sgi(b: Bench, c: int) -> bool:
    return b.gic.is_pending(c, 3)


def test_an_ipi_that_travels_arrives_later_or_never() -> None:
    b = Bench(ipis="queued")
    b.messages.send_ipi(0, 1, 3)
    b.messages.send_ipi(0, 1, 4)
    assert (pending_sgi(b, 1), b.messages.in_flight(1), b.messages.in_flight(0)) == (
        False,
        True,
        False,
    )
    assert [type(fact) for fact in b.facts] == [IpiSent, IpiSent]
    b.messages.deliver_ipi(1)
    assert pending_sgi(b, 1)
    b.messages.lose_ipi(1)
    assert (b.gic.is_pending(1, 4), b.messages.ipis[1].under_way()) == (False, False)


def test_an_ipi_outlives_so_many_entries_and_no_more() -> None:
    b = Bench(lag=1, ipis="queued")
    b.messages.send_ipi(0, 1, 3)
    b.messages.at_entry(0)
    b.messages.at_entry(1)
    assert not pending_sgi(b, 1)
    b.messages.at_entry(1)
    assert pending_sgi(b, 1)


def test_an_ipi_that_does_not_travel_is_there_at_once() -> None:
    b = Bench()
    b.messages.send_ipi(0, 1, 3)
    assert pending_sgi(b, 1)
