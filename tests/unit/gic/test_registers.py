"""What registers hold of what is written to them, and sizes at their limits."""

import pytest
from hypothesis import given, settings, strategies as st

from model.facts import Completed, DeactivatedByGuest, Fact
from model.gic.gic import Gic
from model.gic.lr import ACTIVE, EMPTY, INACTIVE, PENDING, Lr, decode_v3, encode_v3
from model.gic.registers import HCR_EN, HCR_EOICOUNT, HCR_LRENPIE, HCR_TDIR, HCR_UIE, TRAP, Vmcr

PPI, SPI = 27, 40


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def gic(request: pytest.FixtureRequest) -> Gic:
    gic = Gic(version=request.param, cpus=2, spis=(SPI,))
    gic.write_hcr(0, HCR_EN)
    return gic


def idle_guest_eoir(gic: Gic, vintid: int = 77) -> None:
    """A guest's EOIR with an active priority and no List Register."""
    gic.restore_apr(0, (1 << 16, 0))
    assert gic.veoir(0, vintid) == -1
    assert gic.vrpr(0) == 0xFF


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "lrs"), [(3, 1), (3, 2), (3, 16), (2, 1), (2, 4), (2, 64)])
def test_every_number_of_list_registers(version: int, lrs: int) -> None:
    """ICH_VTR_EL2.ListRegs: 1 to 16; GICH_VTR.ListRegs: 1 to 64."""
    gic = Gic(version=version, cpus=1, lrs=lrs)
    gic.write_hcr(0, HCR_EN | HCR_UIE)
    assert gic.elrsr(0) == (1 << lrs) - 1
    for i in range(lrs):
        gic.write_lr(0, i, Lr(100 + i, PENDING, priority=0x80, group=1))
    assert (gic.elrsr(0), gic.misr(0)) == (0, 2 if lrs == 1 else 0)
    for i in range(lrs):
        assert gic.viar(0) == 100 + i
        gic.veoir(0, 100 + i)
        assert gic.elrsr(0) == (2 << i) - 1
    assert (gic.viar(0), gic.misr(0)) == (1023, 2)


@pytest.mark.parametrize(("version", "lrs"), [(3, 0), (3, 17), (2, 0), (2, 65)])
def test_impossible_numbers_of_list_registers(version: int, lrs: int) -> None:
    with pytest.raises(ValueError, match="List Registers"):
        Gic(version=version, cpus=1, lrs=lrs)


# -- List Registers --------------------------------------------------------------------------------


@settings(derandomize=True, database=None, deadline=None)
@given(st.integers(0, (1 << 64) - 1), st.integers(0, 15), st.integers(0, 7))
def test_any_gicv3_register_value_survives_but_its_reserved_bits(
    bits: int, sgi: int, source: int
) -> None:
    """Bits [59:56], and [47:45] with HW, [47:42] and [40:32] without it (ICH_LR<n>_EL2)."""
    of_an_sgi = bits >> 32 << 32 & ~(1 << 61) | source << 10 | sgi
    for value in (bits, of_an_sgi):
        reserved = 0x0F00_0000_0000_0000
        reserved |= 0xE000 << 32 if value >> 61 & 1 else 0xFDFF << 32
        assert encode_v3(decode_v3(value)) == value & ~reserved


# -- GICH_HCR, ICH_HCR_EL2 ------------------------------------------------------------------------


def test_gicv2_has_no_trap_of_dir() -> None:
    """IHI0048 section 5.3.1: bits [26:8] of GICH_HCR are reserved."""
    gic = Gic(version=2, cpus=1)
    gic.write_hcr(0, 0xFFFF_FFFF)
    assert gic.hcr(0) == 0xF800_00FF
    gic.set_veoimode(0, 1)
    assert gic.vdir(0, 77) == -1


def test_gicv3_traps_dir() -> None:
    gic = Gic(version=3, cpus=1)
    gic.write_hcr(0, HCR_EN | HCR_TDIR)
    assert gic.hcr(0) == HCR_EN | HCR_TDIR
    gic.set_veoimode(0, 1)
    assert (gic.vdir(0, 77), gic.eoicount(0)) == (TRAP, 0)


# -- EOIcount -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(("knob", "counted"), [(False, 0), (True, 1)])
def test_eoicount_on_eoir_in_eoimode_1(version: int, knob: bool, counted: int) -> None:
    """False: IHI0069 ICH_HCR_EL2.EOIcount. True: as KVM's emulation and QEMU's GICv3 do."""
    gic = Gic(version=version, cpus=1, eoicount_on_eoir_mode1=knob)
    gic.write_hcr(0, HCR_EN | HCR_LRENPIE)
    gic.set_veoimode(0, 1)
    idle_guest_eoir(gic)
    assert (gic.eoicount(0), gic.misr(0)) == (counted, 4 * counted)
    gic.vdir(0, 77)
    assert gic.eoicount(0) == counted + 1


@pytest.mark.parametrize("knob", [False, True])
def test_what_the_knob_leaves_alone(knob: bool) -> None:
    gic = Gic(cpus=1, eoicount_on_eoir_mode1=knob)
    gic.write_hcr(0, HCR_EN)
    idle_guest_eoir(gic)
    assert gic.eoicount(0) == 1, "EOImode 0 counts anyway"
    gic.set_veoimode(0, 1)
    idle_guest_eoir(gic, 8192)
    assert gic.eoicount(0) == 1, "an LPI is never counted"
    gic.veoir(0, 77)
    assert gic.eoicount(0) == 1, "no priority was active"
    gic.write_lr(0, 0, Lr(77, ACTIVE, priority=0x80))
    idle_guest_eoir(gic)
    assert (gic.eoicount(0), gic.lr(0, 0).state) == (1, ACTIVE), "the List Register was there"


def test_a_counted_eoir_of_eoimode_1_deactivates_nothing() -> None:
    facts: list[Fact] = []
    gic = Gic(cpus=1, eoicount_on_eoir_mode1=True, emit=facts.append)
    gic.set_veoimode(0, 1)
    idle_guest_eoir(gic)
    assert facts == [Completed(0, 77)]
    gic.vdir(0, 77)
    assert facts == [Completed(0, 77), DeactivatedByGuest(0, 77)]


def test_eoicount_is_the_field_of_the_register(gic: Gic) -> None:
    gic.write_hcr(0, HCR_EN | 5 << 27)
    idle_guest_eoir(gic)
    assert gic.eoicount(0) == 6
    assert gic.hcr(0) & HCR_EOICOUNT == 6 << 27


# -- VMCR and binary points -----------------------------------------------------------------------


def test_vmcr_holds_what_is_implemented(gic: Gic) -> None:
    """Five bits of the priority mask; binary points have minimums (ICH_VMCR_EL2, GICH_VMCR)."""
    gic.restore_vmcr(0, Vmcr(pmr=0xFF, bpr0=0, bpr1=0, cbpr=True, eoim=1, enable0=True))
    assert gic.save_vmcr(0) == Vmcr(0xF8, 2, 3, True, 1, True, True)
    gic.write_lr(0, 0, Lr(40, PENDING, priority=0xFF))
    assert (gic.virq_signal(0), gic.viar(0)) == (False, 1023), "the lowest priority, unmasked"
    gic.write_lr(0, 0, EMPTY)
    gic.set_vbpr(0, 0, 7)
    assert gic.save_vmcr(0).bpr0 == 7


def test_common_binary_point_of_the_guest(gic: Gic) -> None:
    """GICv3: while group 1 uses group 0's, its own ignores writes (ICV_BPR1_EL1)."""
    gic.set_vbpr(0, 0, 4)
    gic.set_vbpr(0, 1, 6)
    assert (gic.vbpr(0, 0), gic.vbpr(0, 1)) == (4, 6)
    gic.set_vcbpr(0, True)
    gic.set_vbpr(0, 1, 7)
    own = 6 if gic.version == 3 else 7
    assert (gic.vbpr(0, 1), gic.save_vmcr(0).bpr1) == (5 if gic.version == 3 else 7, own)
    gic.set_vbpr(0, 0, 7)
    assert gic.vbpr(0, 1) == 7, "saturated"
    gic.set_vcbpr(0, False)
    assert gic.vbpr(0, 1) == own


def test_common_binary_point_of_the_host(gic: Gic) -> None:
    """ICC_CTLR_EL1.CBPR, GICC_CTLR.CBPR: BPR0 = 5 leaves priority bits [7:6] to preemption."""
    gic.set_bpr(0, 0, 5)
    gic.set_pending(0, 20, True)
    gic.set_priority(0, 21, 0x80)
    assert gic.iar(0) == 20
    gic.set_pending(0, 21, True)
    assert gic.irq_signal(0), "of its own, group 1 has all bits"
    gic.set_cbpr(0, True)
    assert not gic.irq_signal(0)
    gic.set_priority(0, 21, 0x78)
    assert gic.irq_signal(0)
    gic.set_bpr(0, 1, 7)
    assert (gic.bpr(0, 0), gic.bpr(0, 1)) == (5, 6 if gic.version == 3 else 7)
    gic.set_cbpr(0, False)
    assert gic.bpr(0, 1) == (3 if gic.version == 3 else 7)


def test_physical_active_priorities_are_kept_per_group() -> None:
    """IHI0069 ICC_AP0R0_EL1, ICC_AP1R0_EL1: the group says where, the group priority which bit."""
    gic = Gic(version=3, cpus=1)
    gic.set_group_enable(0, 0, True)
    gic.set_group(0, 20, 0)
    gic.set_priority(0, 20, 0x48)
    gic.set_bpr(0, 0, 5)
    gic.set_pending(0, 21, True)
    assert gic.iar(0) == 21
    gic.set_pending(0, 20, True)
    assert gic.iar(0, group=0) == 20
    assert (gic.cpuifs[0].apr0, gic.cpuifs[0].apr1) == (1 << (0x40 >> 3), 1 << (0xA0 >> 3))
    gic.eoir(0, 21)
    assert gic.rpr(0) == 0x40, "GICv3: EOIR1 does not drop what is of group 0"
    gic.eoir(0, 20, group=0)
    assert (gic.cpuifs[0].apr0, gic.rpr(0)) == (0, 0xA0)


# -- targets --------------------------------------------------------------------------------------


def test_an_spi_without_target_waits_for_one() -> None:
    """IHI0048 GICD_ITARGETSRn: a target field of 0 forwards the interrupt to nobody."""
    gic = Gic(version=2, cpus=2, spis=(SPI,))
    gic.set_targets(0, SPI, 0)
    gic.set_line(0, SPI, True)
    assert (gic.iar(0), gic.iar(1), gic.is_pending(0, SPI)) == (1023, 1023, True)
    gic.set_targets(0, SPI, 0b10)
    assert (gic.iar(0), gic.iar(1)) == (1023, SPI)


def test_targets_that_are_not_there_read_as_zero() -> None:
    gic = Gic(version=2, cpus=2, spis=(SPI,))
    gic.set_targets(0, SPI, 0xFF)
    assert gic.spis[SPI].targets == 0b11


@pytest.mark.parametrize("edge", [False, True])
def test_pending_and_active_spi_goes_to_its_new_target_once_deactivated(
    gic: Gic, edge: bool
) -> None:
    """IHI0069 section 5.2: rerouting acts on what is not active."""
    gic.set_edge(0, SPI, edge)
    for _ in range(2):
        gic.set_line(0, SPI, False)
        gic.set_line(0, SPI, True)
        if not gic.is_active(0, SPI):
            assert gic.iar(0) == SPI
            gic.eoir(0, SPI)
    gic.set_targets(0, SPI, 0b10)
    assert (gic.irq_signal(0), gic.irq_signal(1)) == (False, False)
    gic.dir(0, SPI)
    assert (gic.irq_signal(0), gic.irq_signal(1)) == (False, True)
    assert gic.iar(1) == SPI


def test_priority_drop_belongs_to_the_cpu_that_acknowledged(gic: Gic) -> None:
    """IHI0048 section 3.2.1: deactivation may come from elsewhere, the drop may not."""
    gic.set_line(0, SPI, True)
    gic.iar(0)
    gic.eoir(1, SPI)
    assert (gic.rpr(0), gic.rpr(1)) == (0xA0, 0xFF)
    gic.dir(1, SPI)
    assert (gic.rpr(0), gic.is_active(0, SPI)) == (0xA0, False)
    assert not gic.irq_signal(0), "the level came again, but the priority is still active"
    gic.eoir(0, SPI)
    assert gic.irq_signal(0)


# -- maintenance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hcr", [HCR_EN | HCR_UIE, HCR_UIE])
def test_maintenance_interrupt_is_a_level(gic: Gic, hcr: int) -> None:
    """It is as any PPI: pending while a cause lasts and the interface is on, 25 on most systems."""
    gic.write_hcr(0, hcr)
    gic.set_line(0, 25, gic.maintenance(0))
    assert gic.iar(0) == (25 if hcr & HCR_EN else 1023)
    for i in range(2):
        gic.write_lr(0, i, Lr(40 + i, PENDING))
    gic.set_line(0, 25, gic.maintenance(0))
    assert not gic.is_pending(0, 25)


def test_deactivation_asks_for_maintenance_only_in_software_list_registers(gic: Gic) -> None:
    """With HW the EOI bit does not exist: it lies in the field of the physical INTID."""
    gic.set_active(0, PPI, True)
    gic.write_lr(0, 0, Lr(PPI, ACTIVE, hw=True, pintid=PPI, priority=0x80, eoi=True))
    gic.restore_apr(0, (1 << 16, 0))
    assert gic.veoir(0, PPI) == PPI
    assert gic.lr(0, 0).state == INACTIVE
    assert (gic.eisr(0), gic.elrsr(0), gic.misr(0)) == (0, 0xF, 0)
