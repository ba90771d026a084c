"""More interrupts than List Registers, and GICv2's SGIs of several sources: KVM's decisions."""

import pytest

from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE, Lr
from model.gic.registers import HCR_EN, HCR_LRENPIE, HCR_NPIE, HCR_TDIR, HCR_UIE, Vmcr
from model.vgic.decide import compare, compute_lr, configure_hcr, fold_edge_or_level, populate
from model.vgic.irq import VgicIrq

NOTHING, PEND, OUTSIDE, ACT = HCR_EN, HCR_NPIE, HCR_UIE, HCR_LRENPIE | HCR_TDIR


@pytest.mark.parametrize(
    ("pending", "active", "causes"),
    [
        (0, 0, NOTHING),
        (4, 0, NOTHING),
        (2, 2, NOTHING),
        (5, 0, PEND | OUTSIDE),
        (4, 1, OUTSIDE | ACT),
        (3, 2, OUTSIDE | ACT),
        (0, 5, OUTSIDE | ACT),
        (5, 1, PEND | OUTSIDE | ACT),
    ],
)
def test_what_makes_the_guest_exit(pending: int, active: int, causes: int) -> None:
    assert configure_hcr(pending, active, 4, trap_dir=False) == HCR_EN | causes
    assert configure_hcr(pending, active, 4, trap_dir=True) == HCR_EN | causes | HCR_TDIR


def edge(priority: int, *, latch: bool = False, active: bool = False) -> VgicIrq:
    irq = VgicIrq(80, 0, level=False, hwintid=50, priority=priority)
    irq.pending_latch, irq.active = latch, active
    return irq


def test_pending_ones_come_before_active_ones_and_the_undeliverable_last() -> None:
    pending, urgent = edge(0x80, latch=True), edge(0x40, latch=True)
    handled, nested = edge(0xA0, active=True), edge(0x20, active=True)
    both = edge(0x10, latch=True, active=True)
    over = edge(0x00)
    order = sorted(
        [over, handled, both, nested, pending, urgent], key=lambda irq: compare(irq, 0, Vmcr())
    )
    assert order == [urgent, pending, both, nested, handled, over]


# -- SGIs of a GICv2 ------------------------------------------------------------------------------


def sgi(*sources: int, active: bool = False, active_source: int = 0) -> VgicIrq:
    irq = VgicIrq(3, 0, level=False, sourced=True)
    for source in sources:
        irq.source |= 1 << source
    irq.pending_latch = bool(sources)
    irq.active, irq.active_source = active, active_source
    return irq


def test_each_source_takes_its_turn() -> None:
    """Linux 16ca6a607d84: one List Register for a vINTID, one source at a time, lowest first."""
    irq = sgi(2, 5)
    first = populate(irq, observe_edges_only=True)
    assert (first.state, first.source, first.eoi) == (PENDING, 2, True)
    assert (irq.source, irq.pending_latch, irq.on_lr) == (1 << 5, True, True)
    taken = Lr(3, ACTIVE, source=2, eoi=True)
    assert not fold_edge_or_level(irq, taken, acked_clears_latch=False)
    assert (irq.active, irq.active_source, irq.on_lr) == (True, 2, False)
    held = populate(irq, observe_edges_only=True)
    assert (held.state, held.source, held.eoi) == (ACTIVE, 2, True)
    assert (irq.source, irq.pending_latch) == (1 << 5, True)
    done = Lr(3, INACTIVE, source=2, eoi=True)
    assert fold_edge_or_level(irq, done, acked_clears_latch=False)
    last = populate(irq, observe_edges_only=True)
    assert (last.state, last.source, last.eoi) == (PENDING, 5, False)
    assert (irq.source, irq.pending_latch) == (0, False)


def test_a_source_that_was_not_acknowledged_is_kept() -> None:
    irq = sgi(0)
    lr = populate(irq, observe_edges_only=True)
    assert (irq.source, irq.pending_latch) == (0, False)
    assert not fold_edge_or_level(irq, lr, acked_clears_latch=False)
    assert (irq.source, irq.pending_latch) == (1, True)


def test_an_sgi_of_a_gicv3_has_no_source_and_may_be_pending_and_active() -> None:
    irq = VgicIrq(3, 0, level=False)
    irq.pending_latch = irq.active = True
    lr = populate(irq, observe_edges_only=True)
    assert (lr.state, lr.source, lr.eoi) == (PENDING_ACTIVE, 0, False)
    fold_edge_or_level(irq, lr, acked_clears_latch=False)
    assert (irq.pending_latch, irq.source) == (True, 0)


def test_computing_a_register_consumes_nothing() -> None:
    irq = sgi(1, 4)
    assert compute_lr(irq) == compute_lr(irq)
    assert (irq.source, irq.pending_latch, irq.on_lr) == (0b10010, True, False)
