"""KVM's decisions about virtual interrupts, as functions of the software state alone.

By kernel verb, from Linux arch/arm64/kvm/vgic/vgic.c, vgic-v3.c and vgic-v2.c. Who holds which lock
when, and what happens between, is the flow's business (``harness.kvm``).
"""

from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE, Lr
from model.vgic.irq import VgicIrq

__all__ = [
    "compare",
    "fold_edge_or_level",
    "populate",
    "resample_needed",
    "target_oracle",
    "validate_injection",
]


def target_oracle(irq: VgicIrq) -> int:
    """vgic_target_oracle: on which VCPU's ap_list the interrupt belongs; -1 for none.

    An active interrupt stays where it is, enabled or not, so that its deactivation finds it.
    """
    if irq.active:
        return irq.vcpu if irq.vcpu >= 0 else irq.target
    if irq.enabled and irq.is_pending():
        return irq.target
    return -1


def validate_injection(irq: VgicIrq, level: bool) -> bool:
    """vgic_validate_injection: a level only counts when it changed, an edge only when it rises."""
    if irq.level:
        return irq.line_level != level
    return level


def compare(irq: VgicIrq) -> tuple[bool, int, bool]:
    """vgic_irq_cmp as a sort key: pending and not active first, then priority, then HW."""
    deliverable = irq.is_pending() and irq.enabled and not irq.active
    return (not deliverable, irq.priority, not irq.hw)


def populate(irq: VgicIrq, *, observe_edges_only: bool) -> Lr:
    """vgic_v3_populate_lr: the List Register for an interrupt, and what that consumes.

    A mapped interrupt is never pending and active at once: its pending state is the physical
    distributor's (commit 3d6e77ad1489). The latch of an edge is consumed. With
    ``observe_edges_only`` (since 4.16, e40cc57bac79) so is the line of a mapped level interrupt.
    """
    state = INACTIVE
    if irq.active:
        state = ACTIVE
    pending = irq.is_pending()
    if irq.active and (irq.hw or irq.level):
        pending = False
    if pending:
        state = PENDING_ACTIVE if irq.active else PENDING
        if not irq.level:
            irq.pending_latch = False
        elif irq.hw and observe_edges_only:
            irq.line_level = False
    return Lr(
        vintid=irq.intid,
        state=state,
        hw=irq.hw,
        pintid=irq.hwintid if irq.hw else 0,
        priority=irq.priority,
        eoi=irq.level and not irq.hw,
    )


def fold_edge_or_level(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
    """vgic_v3_fold_lr_state for one register; returns whether the guest deactivated it.

    ``acked_clears_latch`` is the rule until 4.15: the software latch of a level interrupt is
    cleared once the register is no longer pending; later, once it is empty.
    """
    active = lr.state in (ACTIVE, PENDING_ACTIVE)
    pending = lr.state in (PENDING, PENDING_ACTIVE)
    deactivated = irq.active and not active
    irq.active = active
    if not irq.level:
        if pending:
            irq.pending_latch = True
    elif acked_clears_latch:
        if not pending:
            irq.pending_latch = False
    elif lr.state == INACTIVE:
        irq.pending_latch = False
    return deactivated


def resample_needed(irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
    """vgic_irq_handle_resampling: whether the line of a mapped interrupt must be read again."""
    return irq.is_mapped_level() and (lr.state == PENDING or (deactivated and irq.line_level))
