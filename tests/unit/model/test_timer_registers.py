"""The registers of the virtual and the physical timer: CVAL, TVAL, CTL and CNTVOFF at their edges.

ARM DDI 0487, D11.2.4; the cases are those of KVM's arch_timer_edge_cases selftest.
"""

import pytest

from model.gic.gic import Gic
from model.timer import ENABLE, IMASK, ISTATUS, PTIMER_PPI, VTIMER_PPI, Clock, HwTimer

NOW, OFFSET = 10_000, 3_000
TOP = (1 << 64) - 1
INT_MAX, INT_MIN = (1 << 31) - 1, -(1 << 31)


@pytest.fixture(params=[VTIMER_PPI, PTIMER_PPI], ids=["virtual", "physical"])
def timer(request: pytest.FixtureRequest) -> HwTimer:
    timer = HwTimer(Clock(NOW), request.param)
    timer.cntvoff = OFFSET if request.param == VTIMER_PPI else 0
    timer.ctl = ENABLE
    return timer


def test_interrupt_numbers() -> None:
    assert (VTIMER_PPI, PTIMER_PPI) == (27, 30)
    assert HwTimer(Clock(0)).intid == VTIMER_PPI
    with pytest.raises(ValueError, match="expected 27 or 30"):
        HwTimer(Clock(0), 26)


def test_only_the_virtual_timer_has_an_offset() -> None:
    clock = Clock(NOW)
    virtual, physical = HwTimer(clock), HwTimer(clock, PTIMER_PPI)
    virtual.cntvoff = OFFSET
    assert (virtual.count(), physical.count()) == (NOW - OFFSET, NOW)
    for each in (virtual, physical):
        each.ctl, each.cval = ENABLE, NOW - OFFSET + 1
    assert (virtual.output(), physical.output()) == (False, True)
    assert (virtual.deadline(), physical.deadline()) == (NOW + 1, -1)


@pytest.mark.parametrize("ahead", [-1, 0])
def test_compare_value_in_the_past_or_now(timer: HwTimer, ahead: int) -> None:
    timer.cval = timer.count() + ahead
    assert (timer.output(), timer.deadline()) == (True, -1)
    assert timer.read_ctl() == ENABLE | ISTATUS
    assert timer.read_tval() == ahead


def test_compare_value_0_is_always_reached(timer: HwTimer) -> None:
    timer.cval = 0
    assert timer.output()
    timer.clock.now += 1 << 40
    assert timer.output()


def test_maximal_compare_value_is_not_reached(timer: HwTimer) -> None:
    """Software disables a timer so; unsigned, it is the farthest future."""
    timer.cval = TOP
    timer.clock.now += 1 << 63
    assert (timer.output(), timer.read_ctl()) == (False, ENABLE)
    assert timer.deadline() == timer.clock.now + TOP - timer.count()
    timer.clock.now = timer.deadline()
    assert timer.output()


def test_compare_value_is_compared_unsigned(timer: HwTimer) -> None:
    timer.cval = 1 << 63
    assert not timer.output()
    timer.clock.now += (1 << 63) - timer.count()
    assert timer.output()


def test_count_wraps_below_the_offset() -> None:
    """An offset larger than the physical count: the virtual one has not come to 0 yet."""
    timer = HwTimer(Clock(100))
    timer.cntvoff, timer.ctl, timer.cval = 101, ENABLE, 5
    assert timer.count() == TOP
    assert (timer.output(), timer.deadline()) == (True, -1)
    timer.clock.now += 1
    assert timer.count() == 0
    assert (timer.output(), timer.deadline()) == (False, 106)
    timer.cntvoff = -100
    assert timer.count() == 201


@pytest.mark.parametrize("value", [0, 1, 1000, INT_MAX])
def test_tval_ahead(timer: HwTimer, value: int) -> None:
    timer.write_tval(value)
    assert timer.cval == timer.count() + value
    assert timer.read_tval() == value
    assert timer.output() is (value == 0)
    assert timer.deadline() == (timer.clock.now + value if value else -1)


@pytest.mark.parametrize("value", [-1, -5_000, 0xFFFF_FFFF, 0xFFFF_EC78])
def test_tval_behind_has_expired(timer: HwTimer, value: int) -> None:
    timer.write_tval(value)
    signed = value if value < 0 else value - (1 << 32)
    assert timer.cval == timer.count() + signed
    assert timer.read_tval() == signed
    assert (timer.output(), timer.deadline()) == (True, -1)


@pytest.mark.parametrize("value", [1 << 31, (1 << 31) + 1, INT_MIN])
def test_tval_from_2_to_the_31_on_is_behind(timer: HwTimer, value: int) -> None:
    """TVAL is signed: what looks like a long wait lies in the past (selftest: tval above max)."""
    timer.clock.now += 1 << 32
    timer.write_tval(value)
    assert timer.cval < timer.count()
    assert timer.output()
    assert timer.read_tval() == (value if value < 0 else value - (1 << 32))


def test_tval_behind_the_beginning_of_the_count_wraps(timer: HwTimer) -> None:
    """The comparison is unsigned, so this is the far future and not the past."""
    timer.write_tval(INT_MIN)
    assert timer.cval == (1 << 64) + timer.count() + INT_MIN
    assert not timer.output()
    assert timer.read_tval() == INT_MIN


def test_tval_has_32_bits(timer: HwTimer) -> None:
    timer.write_tval(0xABCD_0000_0064)
    assert timer.read_tval() == 0x64
    timer.cval = timer.count() + (1 << 32) + 7
    assert timer.read_tval() == 7
    timer.cval = timer.count() + INT_MAX + 1
    assert timer.read_tval() == INT_MIN


def test_tval_counts_down_through_zero_and_wraps(timer: HwTimer) -> None:
    timer.write_tval(100)
    seen = []
    for step in (40, 60, 1, INT_MAX, 1):
        timer.clock.now += step
        seen.append(timer.read_tval())
    assert seen == [60, 0, -1, INT_MIN, INT_MAX]
    assert timer.output(), "TVAL has wrapped, the condition has not"


def test_tval_shows_what_cval_says(timer: HwTimer) -> None:
    timer.cval = timer.count() + 250
    assert timer.read_tval() == 250
    timer.write_tval(-250)
    assert timer.cval == timer.count() - 250


def test_masked_then_unmasked_fires(timer: HwTimer) -> None:
    timer.write_tval(0)
    timer.ctl = ENABLE | IMASK
    assert (timer.output(), timer.deadline()) == (False, -1)
    assert timer.read_ctl() == ENABLE | IMASK | ISTATUS
    timer.ctl = ENABLE
    assert timer.output()
    timer.ctl = 0
    assert (timer.output(), timer.read_ctl()) == (False, 0)


def test_status_follows_the_condition_while_enabled(timer: HwTimer) -> None:
    timer.write_tval(10)
    assert timer.read_ctl() == ENABLE
    timer.clock.now += 10
    assert timer.read_ctl() == ENABLE | ISTATUS
    timer.write_tval(1)
    assert timer.read_ctl() == ENABLE


def test_reprogramming_moves_the_deadline(timer: HwTimer) -> None:
    timer.write_tval(100)
    timer.write_tval(20)
    assert timer.deadline() == NOW + 20
    timer.write_tval(200)
    timer.clock.now = NOW + 100
    assert (timer.output(), timer.deadline()) == (False, NOW + 200)


def test_the_level_does_not_end_with_an_acknowledge_but_with_software() -> None:
    """Both timers at a GIC: taken and deactivated, the line that stays high comes again."""
    gic = Gic(cpus=1)
    for intid in (VTIMER_PPI, PTIMER_PPI):
        timer = HwTimer(Clock(NOW), intid)
        timer.ctl = ENABLE
        gic.set_line(0, timer.intid, timer.output())
        for _ in range(2):
            assert gic.iar(0) == intid
            gic.eoir(0, intid)
            gic.dir(0, intid)
        timer.cval = TOP
        gic.set_line(0, timer.intid, timer.output())
        assert gic.iar(0) == 1023
