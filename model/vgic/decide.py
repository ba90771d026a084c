"""KVM's decisions about virtual interrupts, as functions of the software state alone.

By kernel verb, from Linux arch/arm64/kvm/vgic/vgic.c, vgic-v3.c and vgic-v2.c. Who holds which lock
when, and what happens between, is the flow's business (``harness.kvm``).
"""

from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE, Lr
from model.gic.registers import (
    HCR_EN,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_TDIR,
    HCR_UIE,
    HCR_VGRP0DIE,
    HCR_VGRP0EIE,
    HCR_VGRP1DIE,
    HCR_VGRP1EIE,
    Vmcr,
)
from model.vgic.irq import VgicIrq

__all__ = [
    "compare",
    "compute_lr",
    "configure_hcr",
    "fold_edge_or_level",
    "group_causes",
    "populate",
    "resample_needed",
    "target_oracle",
    "validate_injection",
]


def target_oracle(irq: VgicIrq, *, forwards: bool = True) -> int:
    """vgic_target_oracle: on which VCPU's ap_list the interrupt belongs; -1 for none.

    An active interrupt stays where it is, enabled or not, so that its deactivation finds it.
    ``forwards`` is whether the distributor is on (dist->enabled).
    """
    if irq.active:
        return irq.vcpu if irq.vcpu >= 0 else irq.target
    if forwards and irq.enabled and irq.is_pending():
        return irq.target
    return -1


def validate_injection(irq: VgicIrq, level: bool) -> bool:
    """vgic_validate_injection: a level only counts when it changed, an edge only when it rises."""
    if irq.level:
        return irq.line_level != level
    return level


def compare(
    irq: VgicIrq, v: int, vmcr: Vmcr, *, forwards: bool = True
) -> tuple[bool, bool, bool, int, bool]:
    """vgic_irq_cmp as a sort key, for the ap_list of VCPU ``v``.

    What does not belong on ``v`` comes last; before it, what is of a group that the guest has
    disabled. Of the rest, pending and not active first (a guest that dropped the priorities of many
    must be given the next one), then by priority, then HW.
    """
    deliverable = irq.is_pending() and irq.enabled and not irq.active
    group = vmcr.enable1 if irq.group else vmcr.enable0
    elsewhere = target_oracle(irq, forwards=forwards) != v
    return (elsewhere, not group, not deliverable, irq.priority, not irq.hw)


def configure_hcr(pending: int, active: int, size: int, *, trap_dir: bool) -> int:
    """vgic_v3_configure_hcr: which changes to ``size`` List Registers shall make the guest exit.

    ``pending`` and ``active`` count what belongs on this VCPU. More pending ones than registers:
    exit when none of those inside is pending any more (NPIE). Active ones outside: exit when one is
    deactivated (LRENPIE), and DIR traps, as its order tells nothing. Any outside: exit when the
    registers run empty (UIE). Since 3cfd59f81e0f and its series, 2025.
    """
    hcr = HCR_EN
    if pending > size:
        hcr |= HCR_NPIE
    if pending + active > size:
        hcr |= HCR_UIE
        if active:
            hcr |= HCR_LRENPIE
            trap_dir = True
    return hcr | HCR_TDIR if trap_dir else hcr


def group_causes(vmcr: Vmcr) -> int:
    """vgic_v3_configure_hcr: the bits by which the guest exits when it toggles a group's enable."""
    hcr = HCR_VGRP0DIE if vmcr.enable0 else HCR_VGRP0EIE
    return hcr | (HCR_VGRP1DIE if vmcr.enable1 else HCR_VGRP1EIE)


def compute_lr(irq: VgicIrq) -> Lr:
    """vgic_v3_compute_lr (and _v2_): the List Register for an interrupt.

    A mapped interrupt is never pending and active at once: its pending state is the physical
    distributor's (commit 3d6e77ad1489). Nor is a level interrupt of software, whose end must be
    seen (67b5b673ad4d), nor a GICv2 SGI of several sources, of which each takes its turn.
    """
    state = ACTIVE if irq.active else INACTIVE
    source = irq.active_source if irq.active else 0
    multi = irq.is_multi_sgi()
    if irq.is_pending() and not (irq.active and (irq.linked or irq.level or multi)):
        state |= PENDING
        if irq.source:
            source = (irq.source & -irq.source).bit_length() - 1
    return Lr(
        vintid=irq.intid,
        state=state,
        hw=irq.linked,
        pintid=irq.hwintid if irq.linked else 0,
        priority=irq.priority,
        group=irq.group,
        eoi=multi or (irq.level and not irq.linked),
        source=source,
    )


def populate(irq: VgicIrq, *, observe_edges_only: bool) -> Lr:
    """vgic_v3_populate_lr: the List Register for an interrupt, and what that consumes.

    The latch of an edge is consumed, of a GICv2 SGI that of one source. With
    ``observe_edges_only`` (since 4.16, e40cc57bac79) so is the line of a mapped level interrupt.
    """
    lr = compute_lr(irq)
    if lr.state & PENDING:
        if not irq.level:
            if irq.source:
                irq.source &= irq.source - 1
            irq.pending_latch = irq.source != 0
        elif irq.hw and observe_edges_only:
            irq.line_level = False
    irq.on_lr = True
    return lr


def fold_edge_or_level(
    irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool, keeps_active: bool = True
) -> bool:
    """vgic_v3_fold_lr for one register; returns whether the guest deactivated it.

    ``acked_clears_latch`` is the rule until 4.15: the software latch of a level interrupt is
    cleared once the register is no longer pending; later, once it is empty. ``keeps_active`` is
    false for an LPI, whose active state goes with the priority drop, in no List Register unseen
    (since November 2025).
    """
    active = keeps_active and lr.state in (ACTIVE, PENDING_ACTIVE)
    pending = lr.state in (PENDING, PENDING_ACTIVE)
    deactivated = irq.active and not active
    irq.active = active
    irq.on_lr = False
    if active and irq.is_sgi():
        irq.active_source = lr.source
    if not irq.level:
        if pending:
            irq.pending_latch = True
            if irq.sourced:
                irq.source |= 1 << lr.source
    elif acked_clears_latch:
        if not pending:
            irq.pending_latch = False
    elif lr.state == INACTIVE:
        irq.pending_latch = False
    return deactivated


def resample_needed(irq: VgicIrq, lr: Lr, *, deactivated: bool) -> bool:
    """vgic_irq_handle_resampling: whether the line of a mapped interrupt must be read again.

    One that is not linked (VGIC_IRQ_SW_RESAMPLE) is let through again when it is over.
    """
    if not irq.linked and irq.hw:
        return not (irq.active or irq.pending_latch)
    return irq.is_mapped_level() and (lr.state == PENDING or (deactivated and irq.line_level))
