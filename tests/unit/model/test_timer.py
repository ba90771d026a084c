"""The architected timer at its edge, and KVM's copy of it."""

import pytest

from model.gic.lr import ACTIVE, EMPTY, Lr
from model.identity import PTIMER, VTIMER
from model.machine import CNTVOFF_NS, START_NS, Config, Machine
from model.timer import ENABLE, IMASK, ISTATUS, Clock, HwTimer
from model.timer_context import TimerContext

NOW, OFFSET = 1_000, 300


def hardware(ctl: int, cval: int, offset: int = OFFSET) -> HwTimer:
    timer = HwTimer(Clock(NOW))
    timer.ctl, timer.cval, timer.cntvoff = ctl, cval, offset
    return timer


@pytest.mark.parametrize(
    ("ctl", "cval", "output", "read", "deadline"),
    [
        (ENABLE, 699, True, ENABLE | ISTATUS, -1),
        (ENABLE, 700, True, ENABLE | ISTATUS, -1),
        (ENABLE, 701, False, ENABLE, 1_001),
        (ENABLE | IMASK, 700, False, ENABLE | IMASK | ISTATUS, -1),
        (ENABLE | IMASK, 701, False, ENABLE | IMASK, -1),
        (0, 700, False, 0, -1),
        (0, 701, False, 0, -1),
        (IMASK, 700, False, IMASK, -1),
    ],
)
def test_hardware(ctl: int, cval: int, output: bool, read: int, deadline: int) -> None:
    timer = hardware(ctl, cval)
    assert (timer.output(), timer.read_ctl(), timer.deadline()) == (output, read, deadline)


def test_the_output_follows_the_clock_and_the_registers() -> None:
    timer = hardware(ENABLE, 701)
    timer.clock.now = timer.deadline()
    assert (timer.output(), timer.deadline()) == (True, -1)
    timer.cval += 1
    assert not timer.output()


@pytest.mark.parametrize(
    ("ctl", "cval", "can", "should"),
    [
        (ENABLE, 699, True, True),
        (ENABLE, 700, True, True),
        (ENABLE, 701, True, False),
        (ENABLE | IMASK, 700, False, False),
        (0, 0, False, False),
    ],
)
def test_memory(ctl: int, cval: int, can: bool, should: bool) -> None:
    timer = TimerContext(0, VTIMER, OFFSET)
    timer.ctl, timer.cval = ctl, cval
    assert (timer.can_fire(), timer.should_fire(NOW)) == (can, should)
    assert timer.deadline() == cval + OFFSET


@pytest.mark.parametrize("ctl", [0, ENABLE, IMASK, ENABLE | IMASK])
@pytest.mark.parametrize("cval", [0, 699, 700, 701])
def test_memory_and_hardware_agree(ctl: int, cval: int) -> None:
    timer = TimerContext(0, VTIMER, OFFSET)
    timer.ctl, timer.cval = ctl, cval
    assert timer.should_fire(NOW) == hardware(ctl, cval).output()


def test_the_offset_of_a_vm_is_not_zero() -> None:
    """So that an offset that KVM forgets to program shows."""
    machine = Machine(Config(), lambda _fact: None)
    assert machine.timers[0][VTIMER].cntvoff == CNTVOFF_NS != 0
    assert machine.timers[0][PTIMER].cntvoff == machine.hw_timers[0].cntvoff == 0
    assert machine.clock.now == START_NS


def test_list_registers_are_values() -> None:
    for field in EMPTY.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(EMPTY, field, 1)
    assert Lr(27, ACTIVE) == Lr(27, ACTIVE)
    assert len({Lr(27, ACTIVE), Lr(27, ACTIVE), EMPTY}) == 2


def test_vcpus_do_not_share_what_they_write() -> None:
    machine = Machine(Config(vcpus=2, lrs=2), lambda _fact: None)
    first, second = machine.vgics
    first.lrs = (Lr(27, ACTIVE), *first.lrs[1:])
    assert second.lrs == (EMPTY, EMPTY)
    machine.gic.write_lr(0, 0, first.lrs[0])
    first.lrs = (EMPTY, EMPTY)
    assert machine.gic.lr(0, 0) == Lr(27, ACTIVE)
