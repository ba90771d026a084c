"""What was observed on QEMU's GIC, row by row, on the model.

Level SPI 42, edge SPI 43, vINTID 77, priority 0x80. Each docstring names the row of the table that
it is about, and says where QEMU departs from the architecture, or the architecture leaves it open
and the model does as QEMU; test_qemu_departures.py has what takes several CPUs or goes wrong.
"""

import pytest

from model.gic.gic import Gic
from model.gic.lr import (
    ACTIVE,
    EMPTY,
    INACTIVE,
    PENDING,
    PENDING_ACTIVE,
    Lr,
    decode_v2,
    encode_v2,
)
from model.gic.registers import (
    HCR_EN,
    HCR_EOICOUNT_SHIFT,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_UIE,
)

LEVEL = 42
EDGE = 43
LR = 0x9800A84D


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def gic(request: pytest.FixtureRequest) -> Gic:
    gic = Gic(version=request.param, cpus=1, spis=(LEVEL, EDGE))
    gic.set_edge(0, EDGE, True)
    gic.set_priority(0, LEVEL, 0x80)
    gic.set_priority(0, EDGE, 0x80)
    gic.write_hcr(0, HCR_EN)
    return gic


def physical(gic: Gic, intid: int) -> str:
    return f"P{gic.is_pending(0, intid):d}A{gic.is_active(0, intid):d}"


def hw_lr(gic: Gic, state: int = PENDING) -> Lr:
    return Lr(77, state, hw=True, pintid=LEVEL, priority=0x80, group=0 if gic.version == 2 else 1)


def forward(gic: Gic) -> None:
    """Bring the level interrupt to the guest: active at the distributor, pending in LR 0."""
    gic.set_line(0, LEVEL, True)
    assert gic.iar(0) == LEVEL
    gic.eoir(0, LEVEL)
    gic.set_line(0, LEVEL, False)
    gic.write_lr(0, 0, hw_lr(gic))


def apr(gic: Gic) -> int:
    first, second = gic.save_apr(0)
    return first | second


def test_level_line_stays_high(gic: Gic) -> None:
    """Row: level."""
    gic.set_line(0, LEVEL, True)
    assert (physical(gic, LEVEL), gic.hppir(0)) == ("P1A0", LEVEL)
    assert gic.irq_signal(0)
    assert gic.iar(0) == LEVEL
    assert (physical(gic, LEVEL), gic.rpr(0)) == ("P1A1", 0x80)
    gic.eoir(0, LEVEL)
    assert (physical(gic, LEVEL), gic.rpr(0)) == ("P1A1", 0xFF)
    assert not gic.irq_signal(0)
    gic.dir(0, LEVEL)
    assert (physical(gic, LEVEL), gic.hppir(0)) == ("P1A0", LEVEL)
    assert gic.irq_signal(0)


def test_edge_once(gic: Gic) -> None:
    """Row: edge."""
    gic.edge(0, EDGE)
    assert physical(gic, EDGE) == "P1A0"
    assert gic.iar(0) == EDGE
    assert physical(gic, EDGE) == "P0A1"
    gic.eoir(0, EDGE)
    assert physical(gic, EDGE) == "P0A1"
    gic.dir(0, EDGE)
    assert physical(gic, EDGE) == "P0A0"


def test_hw_list_register_by_its_bits() -> None:
    """Rows: write HW LR; GICV_IAR; GICV_EOIR, EOImode 0."""
    gic = Gic(version=2, cpus=1, spis=(LEVEL,))
    gic.write_hcr(0, HCR_EN)
    gic.set_line(0, LEVEL, True)
    gic.iar(0)
    gic.eoir(0, LEVEL)
    gic.set_line(0, LEVEL, False)
    gic.write_lr(0, 0, decode_v2(LR))
    assert (gic.vhppir(0), gic.virq_signal(0), gic.elrsr(0)) == (77, True, 0xE)
    assert gic.viar(0) == 77
    assert encode_v2(gic.lr(0, 0)) == 0xA800A84D
    assert gic.save_apr(0) == (0x10000, 0)
    assert gic.vrpr(0) == 0x80
    assert physical(gic, LEVEL) == "P0A1"
    assert gic.veoir(0, 77) == LEVEL
    gic.deactivate(0, LEVEL)
    assert physical(gic, LEVEL) == "P0A0"
    assert encode_v2(gic.lr(0, 0)) == 0x8800A84D
    assert (gic.elrsr(0), gic.eisr(0), gic.misr(0)) == (0xF, 0, 0)
    assert gic.save_apr(0) == (0, 0)


def test_guest_life_cycle_eoimode_0(gic: Gic) -> None:
    """Rows: write HW LR; GICV_IAR; GICV_EOIR, EOImode 0."""
    forward(gic)
    assert (gic.vhppir(0), gic.virq_signal(0), gic.elrsr(0)) == (77, True, 0xE)
    assert gic.viar(0) == 77
    assert gic.lr(0, 0).state == ACTIVE
    assert apr(gic) == 1 << 16
    assert not gic.virq_signal(0)
    assert gic.veoir(0, 77) == LEVEL
    gic.deactivate(0, LEVEL)
    assert gic.lr(0, 0).state == INACTIVE
    assert physical(gic, LEVEL) == "P0A0"
    assert (gic.elrsr(0), gic.eisr(0), gic.misr(0), apr(gic)) == (0xF, 0, 0, 0)


def test_guest_life_cycle_eoimode_1(gic: Gic) -> None:
    """Row: guest EOImode 1."""
    gic.set_veoimode(0, 1)
    forward(gic)
    assert gic.viar(0) == 77
    assert gic.veoir(0, 77) == -1
    assert (apr(gic), gic.lr(0, 0).state) == (0, ACTIVE)
    assert gic.is_active(0, LEVEL)
    assert gic.vdir(0, 77) == LEVEL
    gic.deactivate(0, LEVEL)
    assert gic.lr(0, 0).state == INACTIVE
    assert not gic.is_active(0, LEVEL)


def test_edges_while_active_are_delivered_once_more(gic: Gic) -> None:
    """Row: edge three times while active."""
    gic.edge(0, EDGE)
    assert gic.iar(0) == EDGE
    gic.eoir(0, EDGE)
    for _ in range(3):
        gic.edge(0, EDGE)
    assert physical(gic, EDGE) == "P1A1"
    assert gic.iar(0) == 1023
    gic.dir(0, EDGE)
    assert gic.iar(0) == EDGE
    gic.eoir(0, EDGE)
    gic.dir(0, EDGE)
    assert gic.iar(0) == 1023


def test_hw_list_register_written_pending_and_active(gic: Gic) -> None:
    """Row: HW LR written Pending+Active. Unpredictable: as QEMU."""
    forward(gic)
    gic.viar(0)
    gic.write_lr(0, 0, hw_lr(gic, PENDING_ACTIVE))
    assert gic.lr(0, 0).state == PENDING_ACTIVE
    assert (gic.viar(0), gic.vhppir(0), gic.virq_signal(0)) == (1023, 1023, False)
    assert gic.veoir(0, 77) == LEVEL
    gic.deactivate(0, LEVEL)
    assert not gic.is_active(0, LEVEL)
    assert gic.lr(0, 0).state == PENDING
    assert gic.viar(0) == 77


def test_eoir_without_list_register(gic: Gic) -> None:
    """Rows: EOIR, no LR. Unpredictable: with no active priority nothing happens, as in QEMU."""
    assert gic.veoir(0, 77) == -1
    assert gic.eoicount(0) == 0
    forward(gic)
    gic.viar(0)
    gic.write_lr(0, 0, EMPTY)
    assert gic.veoir(0, 77) == -1
    assert (gic.eoicount(0), apr(gic)) == (1, 0)


def test_eoir_without_list_register_eoimode_1_does_not_count(gic: Gic) -> None:
    """Row: EOIR, no LR. Departure: GICv3 EOIcount.

    QEMU's GICv3 counts here too, although no deactivation would have followed.
    """
    gic.set_veoimode(0, 1)
    forward(gic)
    gic.viar(0)
    gic.write_lr(0, 0, EMPTY)
    assert gic.veoir(0, 77) == -1
    assert (gic.eoicount(0), apr(gic)) == (0, 0)


def test_dir_without_active_list_register_counts(gic: Gic) -> None:
    """Row: DIR, no LR."""
    gic.set_veoimode(0, 1)
    assert gic.vdir(0, 77) == -1
    assert gic.eoicount(0) == 1
    gic.write_lr(0, 0, hw_lr(gic))
    assert gic.vdir(0, 77) == -1
    assert gic.eoicount(0) == 2
    assert gic.lr(0, 0) == hw_lr(gic)


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("special", [1020, 1021, 1022, 1023])
def test_special_intids_are_ignored(gic: Gic, mode: int, special: int) -> None:
    """Row: EOIR/DIR of 1023."""
    gic.set_veoimode(0, mode)
    forward(gic)
    gic.viar(0)
    before = gic.vifs[0].key()
    assert gic.veoir(0, special) == -1
    assert gic.vdir(0, special) == -1
    assert gic.vifs[0].key() == before


def test_dir_in_eoimode_0_is_ignored(gic: Gic) -> None:
    """Row: DIR in EOImode 0."""
    forward(gic)
    gic.viar(0)
    before = gic.vifs[0].key()
    assert gic.vdir(0, 77) == -1
    assert gic.vifs[0].key() == before


def test_software_list_register_with_the_eoi_bit(gic: Gic) -> None:
    """Row: software LR with the EOI bit."""
    group = 0 if gic.version == 2 else 1
    gic.write_lr(0, 0, Lr(77, PENDING, priority=0x80, group=group, eoi=True))
    gic.viar(0)
    assert (gic.eisr(0), gic.maintenance(0)) == (0, False)
    assert gic.veoir(0, 77) == -1
    assert (gic.eisr(0), gic.misr(0), gic.elrsr(0)) == (1, 1, 0xE)
    assert gic.maintenance(0)
    gic.write_lr(0, 0, EMPTY)
    assert (gic.eisr(0), gic.misr(0), gic.elrsr(0)) == (0, 0, 0xF)
    assert not gic.maintenance(0)


def test_underflow(gic: Gic) -> None:
    """Row: UIE."""
    gic.write_hcr(0, HCR_EN | HCR_UIE)
    assert (gic.misr(0), gic.maintenance(0)) == (2, True)
    gic.write_lr(0, 0, hw_lr(gic))
    assert gic.misr(0) == 2
    gic.write_lr(0, 1, Lr(78, ACTIVE))
    assert (gic.misr(0), gic.maintenance(0)) == (0, False)


def test_misr_shows_causes_while_the_interface_is_off(gic: Gic) -> None:
    """Row: UIE. Also with En=0, and then PPI 25 is low."""
    gic.write_hcr(0, HCR_UIE)
    assert (gic.misr(0), gic.maintenance(0)) == (2, False)


def test_no_pending(gic: Gic) -> None:
    """Row: NPIE."""
    gic.write_hcr(0, HCR_EN | HCR_NPIE)
    assert gic.misr(0) == 8
    gic.write_lr(0, 0, hw_lr(gic))
    assert gic.misr(0) == 0
    gic.viar(0)
    assert gic.misr(0) == 8
    gic.write_lr(0, 1, Lr(78, PENDING_ACTIVE))
    assert gic.misr(0) == 8


def test_eoicount_and_its_maintenance_interrupt_wrap(gic: Gic) -> None:
    """Row: LRENPIE."""
    gic.set_veoimode(0, 1)
    gic.write_hcr(0, HCR_EN | HCR_LRENPIE | 30 << HCR_EOICOUNT_SHIFT)
    assert gic.misr(0) == 4
    gic.vdir(0, 77)
    assert (gic.eoicount(0), gic.misr(0)) == (31, 4)
    gic.vdir(0, 77)
    assert (gic.eoicount(0), gic.misr(0)) == (0, 0)
    assert gic.hcr(0) == HCR_EN | HCR_LRENPIE


@pytest.mark.parametrize("pintid", [5, 1000, 1020])
def test_other_physical_intids_are_ignored(gic: Gic, pintid: int) -> None:
    """Row: a physical id of 5 or 1000."""
    group = 0 if gic.version == 2 else 1
    gic.set_active(0, 5, True)
    gic.write_lr(0, 0, Lr(77, ACTIVE, hw=True, pintid=pintid, group=group, priority=0x80))
    gic.restore_apr(0, (1 << 16, 0))
    assert gic.veoir(0, 77) == -1
    assert gic.lr(0, 0).state == INACTIVE
    assert gic.is_active(0, 5)


def test_deactivating_what_is_not_active_changes_nothing(gic: Gic) -> None:
    """Row: physical interrupt inactive. Unpredictable: as QEMU."""
    for line in (True, False):
        gic.set_line(0, LEVEL, line)
        before = gic.spis[LEVEL].key()
        gic.write_lr(0, 0, hw_lr(gic))
        assert gic.viar(0) == 77
        gic.deactivate(0, gic.veoir(0, 77))
        assert gic.spis[LEVEL].key() == before
        assert (physical(gic, LEVEL), gic.lr(0, 0).state) == (f"P{line:d}A0", INACTIVE)


def test_two_list_registers_with_one_vintid_the_first_is_used(gic: Gic) -> None:
    """Row: two LRs with one vINTID. Unpredictable: as QEMU."""
    group = 0 if gic.version == 2 else 1
    same = Lr(77, PENDING, priority=0x80, group=group)
    gic.write_lr(0, 1, same)
    gic.write_lr(0, 2, same)
    assert gic.viar(0) == 77
    assert (gic.lr(0, 1).state, gic.lr(0, 2).state) == (ACTIVE, PENDING)
    gic.veoir(0, 77)
    assert (gic.lr(0, 1).state, gic.lr(0, 2).state) == (INACTIVE, PENDING)
