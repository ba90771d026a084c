"""The physical CPU interface: mask, preemption, EOImode, groups."""

import pytest

from model.facts import AckedByHost, ActiveChanged, Fact, PriorityDropped
from model.gic.gic import Gic

LOW, MIDDLE, HIGH = 20, 21, 22


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def gic(request: pytest.FixtureRequest) -> Gic:
    gic = Gic(version=request.param, cpus=1, spis=(40, 41))
    gic.set_priority(0, LOW, 0xC0)
    gic.set_priority(0, MIDDLE, 0xA8)
    gic.set_priority(0, HIGH, 0x80)
    return gic


def test_nothing_pending(gic: Gic) -> None:
    assert (gic.iar(0), gic.hppir(0), gic.rpr(0), gic.irq_signal(0)) == (1023, 1023, 0xFF, False)


def test_highest_priority_first_then_lowest_intid(gic: Gic) -> None:
    for intid in (40, 41):
        gic.set_priority(0, intid, 0xA8)
    for intid in (LOW, 41, 40, MIDDLE, HIGH):
        gic.set_pending(0, intid, True)
    order = []
    while (intid := gic.iar(0)) != 1023:
        order.append(intid)
        gic.eoir(0, intid)
    assert order == [HIGH, MIDDLE, 40, 41, LOW]


def test_mask_lets_only_higher_priorities_through(gic: Gic) -> None:
    gic.set_pending(0, MIDDLE, True)
    gic.set_pmr(0, 0xA8)
    assert (gic.irq_signal(0), gic.iar(0)) == (False, 1023)
    gic.set_pmr(0, 0xB0)
    assert gic.irq_signal(0)
    assert gic.iar(0) == MIDDLE


def test_hppir_looks_past_the_mask_and_the_running_priority(gic: Gic) -> None:
    """QEMU's GICv2 departs: it shows 1023 for what the priority mask holds back."""
    gic.set_pending(0, LOW, True)
    gic.set_pmr(0, 0)
    assert gic.hppir(0) == LOW
    gic.set_pmr(0, 0xF0)
    gic.set_pending(0, HIGH, True)
    gic.iar(0)
    assert (gic.hppir(0), gic.irq_signal(0)) == (LOW, False)


def test_nested_preemption_and_drop_order(gic: Gic) -> None:
    for intid, priority in ((LOW, 0xC0), (MIDDLE, 0xA8), (HIGH, 0x80)):
        gic.set_pending(0, intid, True)
        assert gic.iar(0) == intid
        assert gic.rpr(0) == priority
    running = []
    for intid in (HIGH, MIDDLE, LOW):
        gic.eoir(0, intid)
        running.append(gic.rpr(0))
    assert running == [0xA8, 0xC0, 0xFF]


def test_binary_point_groups_priorities(gic: Gic) -> None:
    gic.set_bpr(0, 1, 6)
    gic.set_pending(0, LOW, True)
    assert gic.iar(0) == LOW
    assert gic.rpr(0) == 0xC0
    gic.set_priority(0, MIDDLE, 0xC0)
    gic.set_pending(0, MIDDLE, True)
    assert not gic.irq_signal(0)
    gic.set_priority(0, MIDDLE, 0xB8)
    assert gic.irq_signal(0)


def test_subpriority_does_not_preempt(gic: Gic) -> None:
    gic.set_bpr(0, 1, 6)
    gic.set_pending(0, MIDDLE, True)
    assert gic.iar(0) == MIDDLE
    assert gic.rpr(0) == 0x80, "the group priority is what becomes active"
    gic.set_pending(0, HIGH, True)
    assert (gic.irq_signal(0), gic.iar(0)) == (False, 1023)
    gic.eoir(0, MIDDLE)
    assert gic.iar(0) == HIGH


def test_a_new_binary_point_also_counts_for_what_is_running(gic: Gic) -> None:
    gic.set_pending(0, MIDDLE, True)
    gic.iar(0)
    gic.set_pending(0, HIGH, True)
    assert gic.irq_signal(0)
    gic.set_bpr(0, 1, 6)
    assert (gic.rpr(0), gic.irq_signal(0)) == (0xA8, False)


def test_binary_point_has_a_minimum(gic: Gic) -> None:
    gic.set_bpr(0, 0, 0)
    gic.set_bpr(0, 1, 0)
    assert (gic.cpuifs[0].bpr0, gic.cpuifs[0].bpr1) == (2, 3)


def test_eoimode_1_splits_drop_and_deactivation(gic: Gic) -> None:
    gic.set_line(0, LOW, True)
    gic.iar(0)
    gic.eoir(0, LOW)
    assert (gic.rpr(0), gic.is_active(0, LOW)) == (0xFF, True)
    gic.set_pending(0, MIDDLE, True)
    assert gic.irq_signal(0), "other interrupts come through while the first is active"
    gic.dir(0, LOW)
    assert not gic.is_active(0, LOW)


def test_eoimode_0_deactivates_at_once_and_ignores_dir(gic: Gic) -> None:
    gic.set_eoimode(0, 0)
    gic.set_line(0, LOW, True)
    gic.iar(0)
    gic.dir(0, LOW)
    assert gic.is_active(0, LOW)
    gic.eoir(0, LOW)
    assert not gic.is_active(0, LOW)
    assert gic.irq_signal(0)


def test_eoir_drops_the_highest_priority_whatever_it_names(gic: Gic) -> None:
    gic.set_pending(0, LOW, True)
    gic.iar(0)
    gic.set_pending(0, HIGH, True)
    gic.iar(0)
    gic.eoir(0, LOW)
    assert gic.rpr(0) == 0xC0


def test_eoir_without_active_priority_does_nothing(gic: Gic) -> None:
    gic.set_eoimode(0, 0)
    gic.set_active(0, LOW, True)
    gic.eoir(0, LOW)
    assert gic.is_active(0, LOW)


@pytest.mark.parametrize("special", [1020, 1021, 1022, 1023])
def test_special_intids_are_ignored(gic: Gic, special: int) -> None:
    gic.set_pending(0, LOW, True)
    gic.iar(0)
    gic.eoir(0, special)
    gic.dir(0, special)
    assert (gic.rpr(0), gic.is_active(0, LOW)) == (0xC0, True)


def test_disabled_group_is_not_signalled(gic: Gic) -> None:
    gic.set_pending(0, LOW, True)
    gic.set_group_enable(0, 1, False)
    assert (gic.irq_signal(0), gic.iar(0), gic.hppir(0)) == (False, 1023, 1023)
    gic.set_group_enable(0, 1, True)
    assert gic.irq_signal(0)


def test_group_0_is_an_fiq_on_gicv3() -> None:
    gic = Gic(version=3, cpus=1, spis=(40,))
    for intid in (LOW, 40):
        gic.set_group(0, intid, 0)
        gic.set_pending(0, intid, True)
    assert (gic.irq_signal(0), gic.fiq_signal(0)) == (False, False), "group 0 is not enabled"
    gic.set_group_enable(0, 0, True)
    assert (gic.irq_signal(0), gic.fiq_signal(0)) == (False, True)
    assert (gic.iar(0), gic.hppir(0)) == (1023, 1023)
    assert gic.iar(0, group=0) == LOW
    gic.eoir(0, LOW)
    assert gic.rpr(0) == 0xA0, "EOIR1 does not drop a group 0 priority"
    gic.eoir(0, LOW, group=0)
    assert gic.rpr(0) == 0xFF
    assert gic.hppir(0, group=0) == 40


def test_group_0_is_an_irq_on_gicv2() -> None:
    gic = Gic(version=2, cpus=1, spis=(40,))
    gic.set_group_enable(0, 0, True)
    gic.set_group(0, 40, 0)
    gic.set_pending(0, 40, True)
    gic.set_pending(0, LOW, True)
    assert (gic.irq_signal(0), gic.fiq_signal(0)) == (True, False)
    assert gic.iar(0) == 40, "of equal priorities group 0 first"
    gic.eoir(0, 40)
    assert gic.iar(0) == LOW


def test_group_1_behind_group_0_on_gicv3() -> None:
    gic = Gic(version=3, cpus=1)
    gic.set_group_enable(0, 0, True)
    gic.set_group(0, HIGH, 0)
    gic.set_priority(0, HIGH, 0x40)
    gic.set_pending(0, LOW, True)
    assert gic.irq_signal(0)
    gic.set_pending(0, HIGH, True)
    assert (gic.irq_signal(0), gic.fiq_signal(0), gic.iar(0)) == (False, True, 1023)


def test_facts() -> None:
    facts: list[Fact] = []
    gic = Gic(cpus=1, emit=facts.append)
    gic.set_eoimode(0, 0)
    gic.set_line(0, 27, True)
    facts.clear()
    gic.iar(0)
    gic.iar(0)
    gic.eoir(0, 27)
    assert facts == [
        AckedByHost(0, 27),
        ActiveChanged(0, 27, True, "ack"),
        AckedByHost(0, 1023),
        PriorityDropped(0, 27, 0xFF),
        ActiveChanged(0, 27, False, "deactivate"),
    ]
