"""Where QEMU's GIC departs from the architecture and the model does not, and what it leaves open.

Each docstring says which: "Departure" and its number in the list for GICv2 or the register for
GICv3; "right" where QEMU's other GIC does as the model; "Unpredictable" where the architecture
leaves it open and the model does as QEMU. ``harness.conform.qemu.excuses`` has what lock-step runs
found beyond these. Level SPI 42, edge SPI 43, vINTID 77, priority 0x80.
"""

import pytest

from model.gic.gic import Gic
from model.gic.lr import ACTIVE, INACTIVE, PENDING, Lr
from model.gic.registers import (
    HCR_EN,
    HCR_VGRP0DIE,
    HCR_VGRP0EIE,
    HCR_VGRP1DIE,
    HCR_VGRP1EIE,
)

LEVEL = 42
EDGE = 43


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def pair(request: pytest.FixtureRequest) -> Gic:
    gic = Gic(version=request.param, cpus=2, spis=(LEVEL, EDGE))
    gic.set_edge(0, EDGE, True)
    for c in (0, 1):
        gic.write_hcr(c, HCR_EN)
    return gic


def lr(state: int = PENDING, priority: int = 0x80) -> Lr:
    return Lr(77, state, hw=True, pintid=LEVEL, priority=priority)


def acknowledge(gic: Gic) -> None:
    """Let CPU 0 take the level interrupt, whose line stays high."""
    gic.set_line(0, LEVEL, True)
    assert gic.iar(0) == LEVEL
    gic.eoir(0, LEVEL)


# -- one CPU -------------------------------------------------------------------------------------


def test_line_high_at_a_guest_deactivation_is_forwarded_at_once(pair: Gic) -> None:
    """Departure: GICv2 (1), the CPU interface does not look again. GICv3 right: HW deactivation.

    QEMU shows 1023 in HPPIR and IAR, and no signal, until the priority mask is written again.
    """
    acknowledge(pair)
    pair.write_lr(0, 0, lr())
    pair.viar(0)
    assert not pair.irq_signal(0)
    pair.deactivate(0, pair.veoir(0, 77))
    assert pair.hppir(0) == LEVEL
    assert pair.irq_signal(0)
    assert pair.iar(0) == LEVEL


@pytest.mark.parametrize(("priority", "state"), [(0xC0, ACTIVE), (0x80, INACTIVE)])
def test_eoir_deactivates_only_the_priority_it_dropped(
    pair: Gic, priority: int, state: int
) -> None:
    """Unpredictable: EOIR of another group priority only drops. QEMU's GICv2 deactivates."""
    pair.write_lr(0, 0, lr())
    pair.viar(0)
    pair.write_lr(0, 0, lr(ACTIVE, priority))
    assert pair.veoir(0, 77) == (LEVEL if state == INACTIVE else -1)
    assert (pair.vrpr(0), pair.lr(0, 0).state, pair.eoicount(0)) == (0xFF, state, 0)


def test_eoir_of_the_other_group_only_drops() -> None:
    """Unpredictable: EOIR of another group, as QEMU's GICv3."""
    gic = Gic(version=3, cpus=1, spis=(LEVEL,))
    gic.write_hcr(0, HCR_EN)
    gic.write_lr(0, 0, lr())
    gic.viar(0)
    assert gic.veoir(0, 77, group=0) == -1
    assert (gic.vrpr(0), gic.lr(0, 0).state, gic.eoicount(0)) == (0xFF, ACTIVE, 0)


def test_eoicount_in_eoimode_1(pair: Gic) -> None:
    """Departure: GICv3 EOIcount, QEMU counts an EOIR that would not have deactivated."""
    pair.set_veoimode(0, 1)
    pair.restore_apr(0, (1 << 16, 0))
    pair.veoir(0, 77)
    assert (pair.vrpr(0), pair.eoicount(0)) == (0xFF, 0)


@pytest.mark.parametrize(
    ("enable0", "enable1", "misr"),
    [(False, False, 0xA0), (True, False, 0x90), (False, True, 0x60), (True, True, 0x50)],
)
def test_group_enable_maintenance(pair: Gic, enable0: bool, enable1: bool, misr: int) -> None:
    """Departure: GICv3 VGrp0D, QEMU tests the enable bit of group 1."""
    pair.set_vgroup_enable(0, 0, enable0)
    pair.set_vgroup_enable(0, 1, enable1)
    assert pair.misr(0) == 0
    pair.write_hcr(0, HCR_EN | HCR_VGRP0EIE | HCR_VGRP0DIE | HCR_VGRP1EIE | HCR_VGRP1DIE)
    assert pair.misr(0) == misr
    assert pair.maintenance(0)


# -- several CPUs --------------------------------------------------------------------------------


def test_spi_acknowledged_here_is_deactivated_there(pair: Gic) -> None:
    """Departure: GICv2 (2), active state per CPU (7.2 only). GICv3 right: global active state."""
    acknowledge(pair)
    pair.dir(1, LEVEL)
    assert not pair.is_active(0, LEVEL)
    assert pair.irq_signal(0)


def test_spi_for_all_cpus_is_acknowledged_once(pair: Gic) -> None:
    """Departure: GICv2 (2), an SPI with two targets is delivered to both CPUs."""
    pair.set_targets(0, LEVEL, 0b11)
    pair.set_line(0, LEVEL, True)
    assert pair.irq_signal(0)
    assert pair.irq_signal(1)
    assert pair.iar(1) == LEVEL
    assert not pair.irq_signal(0)
    assert pair.iar(0) == 1023


def test_retargeting_moves_a_pending_spi_and_not_an_active_one(pair: Gic) -> None:
    """Departure: GICv2 (2), active level SPI again after retarget. GICv3 right: rerouting."""
    pair.set_line(0, LEVEL, True)
    pair.set_targets(0, LEVEL, 0b10)
    assert (pair.irq_signal(0), pair.irq_signal(1)) == (False, True)
    assert pair.iar(1) == LEVEL
    pair.eoir(1, LEVEL)
    pair.set_targets(0, LEVEL, 0b01)
    assert (pair.irq_signal(0), pair.irq_signal(1)) == (False, False)
    pair.dir(1, LEVEL)
    assert (pair.irq_signal(0), pair.irq_signal(1)) == (True, False)


def test_a_pending_edge_follows_its_new_target(pair: Gic) -> None:
    """Departure: GICv2 (3), 7.2 leaves a pending edge SPI with its old target."""
    pair.edge(0, EDGE)
    pair.set_targets(0, EDGE, 0b10)
    assert (pair.iar(0), pair.iar(1)) == (1023, EDGE)


def test_ispendr_of_a_ppi_on_any_cpu(pair: Gic) -> None:
    """Departure: GICv2 (3), 7.2 ignores ISPENDR of a PPI with more than one CPU."""
    pair.set_pending(1, 27, True)
    assert (pair.iar(0), pair.iar(1)) == (1023, 27)


def test_icpendr_of_a_ppi_is_banked(pair: Gic) -> None:
    """Departure: GICv2 (4), ICPENDR of a PPI clears it on all CPUs."""
    for c in (0, 1):
        pair.set_pending(c, 27, True)
    pair.set_pending(0, 27, False)
    assert (pair.is_pending(0, 27), pair.is_pending(1, 27)) == (False, True)


def test_hw_deactivation_reaches_an_spi_acknowledged_elsewhere(pair: Gic) -> None:
    """GICv3 right: HW deactivation, from another CPU than the one that acknowledged."""
    acknowledge(pair)
    pair.write_lr(1, 0, lr())
    assert pair.viar(1) == 77
    pair.deactivate(1, pair.veoir(1, 77))
    assert (pair.is_active(0, LEVEL), pair.irq_signal(0)) == (False, True)
