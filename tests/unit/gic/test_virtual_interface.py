"""The virtual interface beyond the table of observations: order, preemption, LPIs, context."""

import pytest

from model.facts import (
    AckedByGuest,
    Completed,
    DeactivatedByGuest,
    Fact,
    HcrWritten,
    LrMoved,
    LrWritten,
)
from model.gic.gic import Gic
from model.gic.lr import ACTIVE, EMPTY, INACTIVE, PENDING, PENDING_ACTIVE, Lr
from model.gic.registers import (
    HCR_EN,
    HCR_TC,
    HCR_TDIR,
    TRAP,
    Vmcr,
)


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def gic(request: pytest.FixtureRequest) -> Gic:
    gic = Gic(version=request.param, cpus=2)
    gic.write_hcr(0, HCR_EN)
    return gic


@pytest.fixture
def v3() -> Gic:
    gic = Gic(version=3, cpus=1)
    gic.write_hcr(0, HCR_EN)
    return gic


def pending(vintid: int, priority: int = 0xA0, group: int = 1) -> Lr:
    return Lr(vintid, PENDING, priority=priority, group=group)


def test_nothing_to_take(gic: Gic) -> None:
    assert (gic.viar(0), gic.vhppir(0), gic.vrpr(0)) == (1023, 1023, 0xFF)
    assert (gic.virq_signal(0), gic.elrsr(0), gic.eisr(0), gic.misr(0)) == (False, 0xF, 0, 0)


def test_highest_priority_first_then_lowest_index(gic: Gic) -> None:
    for i, (vintid, priority) in enumerate([(40, 0xC0), (41, 0x80), (42, 0x40), (43, 0x40)]):
        gic.write_lr(0, i, pending(vintid, priority))
    order = []
    while (vintid := gic.viar(0)) != 1023:
        order.append(vintid)
        gic.veoir(0, vintid)
    assert order == [42, 43, 41, 40]


def test_interface_that_is_off_signals_nothing(gic: Gic) -> None:
    gic.write_lr(0, 0, pending(40))
    gic.write_hcr(0, 0)
    assert (gic.virq_signal(0), gic.viar(0)) == (False, 1023)
    gic.write_hcr(0, HCR_EN)
    assert gic.virq_signal(0)


def test_mask_holds_back_and_hppir_looks_past_it(gic: Gic) -> None:
    gic.write_lr(0, 0, pending(40, 0xA0))
    gic.set_vpmr(0, 0xA0)
    assert (gic.virq_signal(0), gic.viar(0), gic.vhppir(0)) == (False, 1023, 40)
    gic.set_vpmr(0, 0xA8)
    assert gic.virq_signal(0)


def test_lowest_priority_is_never_signalled(gic: Gic) -> None:
    gic.set_vpmr(0, 0xFF)
    gic.write_lr(0, 0, pending(40, 0xFF))
    assert gic.lr(0, 0).priority == 0xF8, "five bits of priority"
    assert (gic.virq_signal(0), gic.viar(0)) == (False, 1023)


def test_preemption_nests(gic: Gic) -> None:
    gic.write_lr(0, 0, pending(40, 0xC0))
    assert gic.viar(0) == 40
    gic.write_lr(0, 1, pending(41, 0xC0))
    assert (gic.virq_signal(0), gic.viar(0)) == (False, 1023)
    gic.write_lr(0, 2, pending(42, 0x80))
    assert gic.virq_signal(0)
    assert gic.viar(0) == 42
    assert gic.vrpr(0) == 0x80
    gic.veoir(0, 42)
    assert gic.vrpr(0) == 0xC0
    gic.veoir(0, 40)
    assert gic.viar(0) == 41


def test_binary_point_decides_preemption(gic: Gic) -> None:
    gic.set_vbpr(0, 1, 6)
    gic.write_lr(0, 0, pending(40, 0xA8))
    assert gic.viar(0) == 40
    assert gic.vrpr(0) == 0x80
    gic.write_lr(0, 1, pending(41, 0x80))
    assert (gic.virq_signal(0), gic.viar(0)) == (False, 1023)
    gic.write_lr(0, 2, pending(42, 0x78))
    assert gic.viar(0) == 42
    assert gic.vrpr(0) == 0x40


def test_a_new_binary_point_also_counts_for_what_is_running(gic: Gic) -> None:
    gic.write_lr(0, 0, pending(40, 0xA8))
    gic.viar(0)
    gic.write_lr(0, 1, pending(41, 0x80))
    assert gic.virq_signal(0)
    gic.set_vbpr(0, 1, 6)
    assert (gic.vrpr(0), gic.virq_signal(0)) == (0xA8, False)


def test_no_group_priority_bits_no_preemption(gic: Gic) -> None:
    gic.set_vbpr(0, 0, 7)
    gic.set_vcbpr(0, True)
    gic.write_lr(0, 0, pending(40, 0xC0))
    assert gic.viar(0) == 40
    assert gic.vrpr(0) == 0
    gic.write_lr(0, 1, pending(41, 0))
    assert not gic.virq_signal(0)


def test_binary_points_have_minimums(gic: Gic) -> None:
    gic.set_vbpr(0, 0, 0)
    gic.set_vbpr(0, 1, 0)
    assert gic.save_vmcr(0)[1:3] == (2, 3)


def test_eoir_without_active_priority_does_nothing(gic: Gic) -> None:
    gic.write_lr(0, 0, Lr(40, ACTIVE, priority=0xA0))
    before = gic.vifs[0].key()
    assert gic.veoir(0, 40) == -1
    assert gic.veoir(0, 41) == -1
    assert gic.vifs[0].key() == before


def test_dirs_come_in_any_order(gic: Gic) -> None:
    gic.set_veoimode(0, 1)
    gic.write_lr(0, 0, pending(40, 0xC0))
    gic.write_lr(0, 1, pending(41, 0x80))
    gic.viar(0)
    gic.veoir(0, 41)
    gic.viar(0)
    gic.veoir(0, 40)
    gic.vdir(0, 41)
    assert (gic.lr(0, 0).state, gic.lr(0, 1).state) == (ACTIVE, INACTIVE)
    gic.vdir(0, 40)
    assert (gic.elrsr(0), gic.eoicount(0)) == (0xF, 0)


def test_pending_and_active_software_lr_becomes_pending(gic: Gic) -> None:
    gic.write_lr(0, 0, pending(40))
    gic.viar(0)
    gic.write_lr(0, 0, Lr(40, PENDING_ACTIVE, priority=0xA0))
    gic.veoir(0, 40)
    assert gic.lr(0, 0).state == PENDING
    assert gic.virq_signal(0)


@pytest.mark.parametrize("mode", [0, 1])
def test_lpi_is_deactivated_by_eoir_in_either_mode(v3: Gic, mode: int) -> None:
    v3.set_veoimode(0, mode)
    v3.write_lr(0, 0, pending(8192))
    assert v3.viar(0) == 8192
    assert v3.lr(0, 0).state == ACTIVE
    assert v3.vdir(0, 8192) == -1
    assert v3.lr(0, 0).state == ACTIVE
    assert v3.veoir(0, 8192) == -1
    assert (v3.lr(0, 0).state, v3.vrpr(0)) == (INACTIVE, 0xFF)


@pytest.mark.parametrize("mode", [0, 1])
def test_lpi_without_list_register_is_never_counted(v3: Gic, mode: int) -> None:
    v3.set_veoimode(0, mode)
    v3.write_lr(0, 0, pending(8192))
    v3.viar(0)
    v3.write_lr(0, 0, EMPTY)
    v3.veoir(0, 8192)
    v3.vdir(0, 8192)
    assert (v3.vrpr(0), v3.eoicount(0)) == (0xFF, 0)


def test_dir_can_trap(v3: Gic) -> None:
    v3.set_veoimode(0, 1)
    v3.write_hcr(0, HCR_EN | HCR_TDIR)
    v3.write_lr(0, 0, pending(40))
    v3.viar(0)
    before = v3.vifs[0].key()
    assert v3.vdir(0, 40) == TRAP == -2
    assert v3.vdir(0, 1023) == TRAP
    assert v3.vifs[0].key() == before


def test_without_tdir_it_traps_with_all_that_the_groups_share() -> None:
    gic = Gic(version=3, cpus=1, tdir=False)
    gic.set_veoimode(0, 1)
    gic.write_hcr(0, HCR_EN | HCR_TDIR)
    assert gic.hcr(0) == HCR_EN
    gic.write_hcr(0, HCR_EN | HCR_TC)
    gic.write_lr(0, 0, pending(40))
    gic.viar(0)
    before = gic.vifs[0].key()
    assert (gic.vdir(0, 40), gic.set_vpmr(0, 0)) == (TRAP, TRAP)
    assert gic.vifs[0].key() == before
    assert gic.emulate_vdir(0, 41) == TRAP
    assert gic.vifs[0].key() == before
    assert gic.emulate_vdir(0, 40) == -1
    assert gic.lr(0, 0).state == 0
    gic.emulate_vpmr(0, 0x57)
    assert gic.save_vmcr(0).pmr == 0x50


def test_group_0_is_a_virtual_fiq_on_gicv3(v3: Gic) -> None:
    v3.write_lr(0, 0, pending(40, 0x80, group=0))
    v3.write_lr(0, 1, pending(41, 0xA0))
    assert v3.virq_signal(0), "group 0 is not enabled and stands in nobody's way"
    v3.set_vgroup_enable(0, 0, True)
    assert (v3.virq_signal(0), v3.vfiq_signal(0)) == (False, True)
    assert (v3.viar(0), v3.vhppir(0), v3.vhppir(0, group=0)) == (1023, 1023, 40)
    assert v3.viar(0, group=0) == 40
    assert v3.save_apr(0) == (1 << 16, 0)
    v3.veoir(0, 40, group=0)
    assert v3.lr(0, 0).state == INACTIVE
    assert v3.viar(0) == 41
    assert v3.save_apr(0) == (0, 1 << 20)


def test_the_drop_takes_the_highest_of_both_groups(v3: Gic) -> None:
    v3.restore_apr(0, (1 << 16, 1 << 16 | 1 << 20))
    v3.veoir(0, 40)
    assert v3.save_apr(0) == (0, 1 << 16 | 1 << 20)
    v3.veoir(0, 40)
    assert v3.save_apr(0) == (0, 1 << 20)


def test_gicv2_has_one_active_priorities_register_and_takes_both_groups() -> None:
    gic = Gic(version=2, cpus=1)
    gic.write_hcr(0, HCR_EN)
    gic.write_lr(0, 0, pending(40, 0x80, group=0))
    gic.write_lr(0, 1, pending(41, 0x40, group=1))
    assert (gic.virq_signal(0), gic.vfiq_signal(0)) == (True, False)
    assert (gic.viar(0), gic.save_apr(0)) == (41, (1 << 8, 0))
    gic.veoir(0, 41)
    assert gic.viar(0) == 40


def test_gicv2_sgi_shows_its_source() -> None:
    gic = Gic(version=2, cpus=1)
    gic.write_hcr(0, HCR_EN)
    gic.write_lr(0, 0, Lr(5, PENDING, priority=0x80, source=3))
    assert gic.vhppir(0) == 5 | 3 << 10
    value = gic.viar(0)
    assert value == 5 | 3 << 10
    gic.veoir(0, value)
    assert gic.lr(0, 0).state == INACTIVE


def test_special_intid_in_a_list_register_just_vanishes(gic: Gic) -> None:
    gic.write_lr(0, 0, pending(1021))
    assert gic.viar(0) == 1021
    assert (gic.lr(0, 0).state, gic.vrpr(0)) == (INACTIVE, 0xFF)


def test_elrsr_and_eisr_of_every_kind(gic: Gic) -> None:
    gic.write_lr(0, 0, Lr(40, INACTIVE, eoi=True))
    gic.write_lr(0, 1, Lr(41, ACTIVE, eoi=True))
    gic.write_lr(0, 2, Lr(42, INACTIVE, hw=True, pintid=42, eoi=True))
    assert (gic.elrsr(0), gic.eisr(0)) == (0b1100, 0b0001)


def test_context_moves_from_cpu_to_cpu(gic: Gic) -> None:
    gic.set_vpmr(0, 0x80)
    gic.set_veoimode(0, 1)
    gic.write_lr(0, 0, pending(40, 0x40))
    gic.viar(0)
    vmcr, apr = gic.save_vmcr(0), gic.save_apr(0)
    gic.restore_vmcr(1, vmcr)
    gic.restore_apr(1, apr)
    gic.write_lr(1, 3, gic.lr(0, 0))
    gic.write_hcr(1, gic.hcr(0))
    assert gic.vrpr(1) == 0x40
    assert gic.veoir(1, 40) == -1
    assert (gic.vrpr(1), gic.vdir(1, 40), gic.elrsr(1)) == (0xFF, -1, 0xF)


def test_defaults_of_the_guest() -> None:
    assert Gic(cpus=1).save_vmcr(0) == Vmcr(0xF0, 2, 3, False, 0, False, True)


def test_facts() -> None:
    facts: list[Fact] = []
    gic = Gic(cpus=1, emit=facts.append)
    gic.write_hcr(0, HCR_EN)
    waiting = Lr(27, PENDING, hw=True, pintid=27, priority=0xA0)
    taken = Lr(27, ACTIVE, hw=True, pintid=27, priority=0xA0)
    done = Lr(27, INACTIVE, hw=True, pintid=27, priority=0xA0)
    gic.write_lr(0, 0, waiting)
    gic.write_lr(0, 0, waiting)
    gic.viar(0)
    gic.viar(0)
    gic.veoir(0, 27)
    gic.veoir(0, 27)
    assert facts == [
        HcrWritten(0, HCR_EN),
        LrWritten(0, 0, EMPTY, waiting),
        AckedByGuest(0, 27),
        LrMoved(0, 0, "iar", waiting, taken),
        AckedByGuest(0, 1023),
        Completed(0, 27),
        LrMoved(0, 0, "eoir", taken, done),
        DeactivatedByGuest(0, 27),
        Completed(0, 27),
    ]


def test_facts_of_eoimode_1_and_of_a_counted_deactivation() -> None:
    facts: list[Fact] = []
    gic = Gic(cpus=1, emit=facts.append)
    gic.write_hcr(0, HCR_EN)
    gic.set_veoimode(0, 1)
    gic.write_lr(0, 0, pending(40))
    gic.viar(0)
    facts.clear()
    gic.veoir(0, 40)
    gic.vdir(0, 40)
    gic.vdir(0, 40)
    assert [fact for fact in facts if not isinstance(fact, LrMoved)] == [
        Completed(0, 40),
        DeactivatedByGuest(0, 40),
        DeactivatedByGuest(0, 40),
    ]
    assert gic.eoicount(0) == 1
