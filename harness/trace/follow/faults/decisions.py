"""Faults in the decisions of ``model.vgic.decide``."""

from typing import Any

import msgspec

from harness.trace.follow.faults.fault import Decision, Fault
from model.gic.lr import ACTIVE, PENDING, Lr
from model.gic.registers import HCR_UIE
from model.vgic.irq import VgicIrq

__all__ = ["DECISIONS"]


def changed(lr: Lr, **fields: Any) -> Lr:
    """Return a List Register with other fields."""
    return msgspec.structs.replace(lr, **fields)


def oracle_ignores_enable(right: Decision) -> Decision:
    """What is disabled is delivered."""

    def wrong(irq: VgicIrq, *, forwards: bool) -> int:
        return irq.target if not irq.active and irq.is_pending() else right(irq, forwards=forwards)

    return wrong


def oracle_forgets_active(right: Decision) -> Decision:
    """What is active and not pending belongs nowhere."""

    def wrong(irq: VgicIrq, *, forwards: bool) -> int:
        return -1 if irq.active and not irq.is_pending() else right(irq, forwards=forwards)

    return wrong


def oracle_disabled_active(right: Decision) -> Decision:
    """What is active and disabled belongs nowhere."""

    def wrong(irq: VgicIrq, *, forwards: bool) -> int:
        return -1 if irq.active and not irq.enabled else right(irq, forwards=forwards)

    return wrong


def oracle_follows_target(right: Decision) -> Decision:
    """What is active moves to another VCPU when its target does."""

    def wrong(irq: VgicIrq, *, forwards: bool) -> int:
        return irq.target if irq.active else right(irq, forwards=forwards)

    return wrong


def accepts_always(right: Decision) -> Decision:
    """A level that did not change is taken as news."""
    return lambda _irq, _level: True


def accepts_high(right: Decision) -> Decision:
    """A level that falls is not taken."""
    return lambda irq, level: bool(right(irq, level)) and level


def accepts_falling_edge(right: Decision) -> Decision:
    """An edge that falls is taken."""
    return lambda irq, level: True if not irq.level else right(irq, level)


def lr_hw_pending_active(right: Decision) -> Decision:
    """A mapped interrupt is pending and active at once."""

    def wrong(irq: VgicIrq) -> Lr:
        lr: Lr = right(irq)
        both = irq.hw and irq.active and irq.is_pending()
        return changed(lr, state=ACTIVE | PENDING) if both else lr

    return wrong


def lr_level_pending_active(right: Decision) -> Decision:
    """A level interrupt of software is pending and active at once."""

    def wrong(irq: VgicIrq) -> Lr:
        lr: Lr = right(irq)
        both = irq.level and not irq.hw and irq.active and irq.is_pending()
        return changed(lr, state=ACTIVE | PENDING) if both else lr

    return wrong


def lr_without_hw(right: Decision) -> Decision:
    """A mapped interrupt is not linked to the physical one."""
    return lambda irq: changed(right(irq), hw=False, pintid=0)


def lr_without_eoi(right: Decision) -> Decision:
    """The end of a level interrupt of software is not told."""
    return lambda irq: changed(right(irq), eoi=False)


def lr_group_one(right: Decision) -> Decision:
    """Every interrupt is of group 1, in a GICv2 too."""
    return lambda irq: changed(right(irq), group=1)


def lr_priority_zero(right: Decision) -> Decision:
    """Every interrupt has the highest priority."""
    return lambda irq: changed(right(irq), priority=0)


def lr_other_source(right: Decision) -> Decision:
    """The next source of a GICv2 SGI is the last one."""

    def wrong(irq: VgicIrq) -> Lr:
        lr: Lr = right(irq)
        return changed(lr, source=irq.source.bit_length() - 1) if irq.source else lr

    return wrong


def populate_keeps_line(right: Decision) -> Decision:
    """The line of a mapped level interrupt stays high in software."""
    return lambda irq, observe_edges_only: right(irq, observe_edges_only=False)


def populate_keeps_latch(right: Decision) -> Decision:
    """An edge is not consumed."""

    def wrong(irq: VgicIrq, *, observe_edges_only: bool) -> Lr:
        latch = irq.pending_latch
        lr: Lr = right(irq, observe_edges_only=observe_edges_only)
        irq.pending_latch = latch
        return lr

    return wrong


def populate_lowers_all(right: Decision) -> Decision:
    """The line of a level interrupt of software is lowered, too."""

    def wrong(irq: VgicIrq, *, observe_edges_only: bool) -> Lr:
        lr: Lr = right(irq, observe_edges_only=observe_edges_only)
        if lr.state & PENDING and irq.level:
            irq.line_level = False
        return lr

    return wrong


def fold_keeps_active(right: Decision) -> Decision:
    """What the guest completed stays active."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        active = irq.active
        done = bool(right(irq, lr, **named))
        irq.active = irq.active or active
        return done

    return wrong


def fold_loses_active(right: Decision) -> Decision:
    """What the guest acknowledged is not active in software."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        done = bool(right(irq, lr, **named))
        irq.active = False
        return done

    return wrong


def fold_loses_edge(right: Decision) -> Decision:
    """An edge that the guest did not take is forgotten."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        done = bool(right(irq, lr, **named))
        if not irq.level:
            irq.pending_latch = False
        return done

    return wrong


def fold_latches_level(right: Decision) -> Decision:
    """A level that the guest did not take is latched."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        done = bool(right(irq, lr, **named))
        if irq.level and lr.state & PENDING:
            irq.pending_latch = True
        return done

    return wrong


def fold_keeps_latch(right: Decision) -> Decision:
    """The latch of a level interrupt (ISPENDR) is not cleared by its end."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        latch = irq.pending_latch
        done = bool(right(irq, lr, **named))
        if irq.level:
            irq.pending_latch = latch
        return done

    return wrong


def fold_deactivates_all(right: Decision) -> Decision:
    """Whatever is not active any more counts as deactivated."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        right(irq, lr, **named)
        return not irq.active

    return wrong


def resample_never(right: Decision) -> Decision:
    """The line of a mapped level interrupt is not read again."""
    return lambda _irq, _lr, deactivated: False


def resample_always(right: Decision) -> Decision:
    """It is read at every fold."""
    return lambda irq, _lr, deactivated: irq.is_mapped_level()


def resample_when_completed(right: Decision) -> Decision:
    """It is read only when the guest completed the interrupt, not when it is still pending."""
    return lambda irq, lr, deactivated: (
        lr.state != PENDING and bool(right(irq, lr, deactivated=deactivated))
    )


def hcr_underflow(right: Decision) -> Decision:
    """An underflow interrupt is asked for although all is inside."""
    return lambda *args, **named: right(*args, **named) | HCR_UIE


ORACLE, INJECTION, COMPUTE = "target_oracle", "validate_injection", "compute_lr"
POPULATE, FOLD, RESAMPLE = "populate", "fold_edge_or_level", "resample_needed"
DECISIONS = (
    Fault("oracle-enable", "what is disabled is delivered", ORACLE, oracle_ignores_enable),
    Fault("oracle-active", "active interrupts belong nowhere", ORACLE, oracle_forgets_active),
    Fault("oracle-disabled", "active and disabled: nowhere", ORACLE, oracle_disabled_active),
    Fault("oracle-target", "active ones move with their target", ORACLE, oracle_follows_target),
    Fault("inject-always", "unchanged levels are accepted", INJECTION, accepts_always),
    Fault("inject-high", "falling levels are rejected", INJECTION, accepts_high),
    Fault("inject-edge", "falling edges are accepted", INJECTION, accepts_falling_edge),
    Fault("lr-hw-both", "a HW List Register pending and active", COMPUTE, lr_hw_pending_active),
    Fault("lr-level-both", "a software level so", COMPUTE, lr_level_pending_active),
    Fault("lr-no-hw", "no HW bit", COMPUTE, lr_without_hw),
    Fault("lr-no-eoi", "no EOI bit for software levels", COMPUTE, lr_without_eoi),
    Fault("lr-group", "group 1 for a GICv2 guest", COMPUTE, lr_group_one),
    Fault("lr-priority", "priority 0", COMPUTE, lr_priority_zero),
    Fault("lr-source", "another source of a GICv2 SGI", COMPUTE, lr_other_source),
    Fault("populate-line", "the line of a mapped level stays", POPULATE, populate_keeps_line),
    Fault("populate-latch", "the latch of an edge stays", POPULATE, populate_keeps_latch),
    Fault("populate-lowers", "software levels are lowered", POPULATE, populate_lowers_all),
    Fault("fold-active", "what was completed stays active", FOLD, fold_keeps_active),
    Fault("fold-ack", "what was acknowledged is forgotten", FOLD, fold_loses_active),
    Fault("fold-edge", "an edge not taken is forgotten", FOLD, fold_loses_edge),
    Fault("fold-level", "a level not taken is latched", FOLD, fold_latches_level),
    Fault("fold-latch", "the latch of a level stays", FOLD, fold_keeps_latch),
    Fault("fold-deactivated", "deactivations everywhere", FOLD, fold_deactivates_all),
    Fault("resample-never", "the line is never read again", RESAMPLE, resample_never),
    Fault("resample-always", "it is read at each fold", RESAMPLE, resample_always),
    Fault("resample-pending", "it is not while still pending", RESAMPLE, resample_when_completed),
    Fault("hcr-uie", "UIE without overflow", "configure_hcr", hcr_underflow),
)  # fmt: skip
