"""The findings from F39 on, which random scenarios brought up.

Each was then read in the kernel's source, and has a scenario of its own.
"""

from harness.findings.conditions import (
    cleared_unnotified,
    counted_before,
    ended_by_write,
    ended_in_place,
    idle_and_parked,
    routed_away_while_active,
)
from harness.findings.finding import Condition, Finding
from harness.findings.words import (
    BOTH,
    HERE,
    NOBODY,
    NOT_DELIVERED,
    STUCK,
    TODAY,
)

__all__ = ["GENERATED"]


GENERATED: tuple[Finding, ...] = (
    Finding(
        id="F39",
        title="a guest that idles with something in a group that it has not enabled does not sleep",
        since="today",
        what="A guest puts an interrupt into a group that it has not enabled, and it is pending. "
        "The List Register has it, and the CPU interface does not signal it; KVM, which looks at "
        "the priority mask and not at the groups, takes it for a reason to run, and goes round "
        "and round at full speed. As F32",
        see=f"{HERE}idle-and-parked.toml --variant v7.2",
        source="kvm_vgic_vcpu_pending_irq (7.2): vmcr.pmr is looked at, vmcr.grpen0 and grpen1 are "
        "not; before 4.19 IGROUPR ignores writes",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(TODAY, ("L2:idle",), idle_and_parked),),
    ),
    Finding(
        id="F40",
        title="a level that was made pending comes again when its guest ends it by ICACTIVER",
        since="all, since 4.18",
        what="A guest makes a level of software pending by ISPENDR and takes it. KVM keeps "
        "the latch until a fold finds the List Register empty. If an exit finds it active, and the "
        "guest then ends it by ICACTIVER, no fold does: the latch stays, and the interrupt is "
        "presented once more, for nothing. In 7.2 another VCPU's DIR of what a List Register has "
        "is such a write, too",
        see=f"{HERE}pended-and-deactivated.toml",
        source="vgic_v3_fold_lr (since 67b5b673ad4d the latch goes with the whole state), "
        "vgic_mmio_write_cactive, vgic_v2_deactivate (7.2)",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(BOTH, ("G3:nothing",), ended_by_write),),
    ),
    Finding(
        id="F41",
        title="an edge that comes while it is active is given where that is, not where it goes to",
        since="all",
        what="A guest routes an SPI elsewhere while it is active, and an edge comes. KVM keeps it "
        "on the list where it is active, and the List Register is pending and active: who ends the "
        "one is given the other, though it goes to another VCPU. A GIC follows the new route as "
        "soon as it is not active any more (IHI0048 4.3.12)",
        see=f"{HERE}routed-and-again.toml --variant v7.2",
        source="vgic_target_oracle (what is active stays), vgic_v3_populate_lr (7.2; 4.14 alike)",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(BOTH, ("G5:elsewhere",), routed_away_while_active),),
    ),
    Finding(
        id="F42",
        title="an ICACTIVER of a level that has a resamplefd notifies nobody",
        since="all",
        what="A guest serves a device whose interrupt is resampled, and ends it by ICACTIVER. The "
        "notifier is called for what a List Register shows to be ended, and for nothing else: the "
        "line stays high, and the interrupt is presented once more, for nothing. (Its end is "
        "notified then.) As F34, which is about DIR",
        see=f"{HERE}resampled-and-cleared.toml",
        source="vgic_mmio_write_cactive calls no kvm_notify_acked_irq (7.2; 4.14 alike)",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(BOTH, ("G3:nothing",), cleared_unnotified),),
    ),
    Finding(
        id="F43",
        title="an SPI that is routed to a VCPU while that fills its List Registers is not counted",
        since="today, since November 2025",
        what="KVM counts what belongs into the List Registers, and then fills them, and asks each "
        "interrupt anew. One that a guest routes back to the VCPU in between (IROUTER takes "
        "irq_lock alone, and kicks nobody) gets the register of one that was counted: more is left "
        "out than KVM knows of, and no maintenance interrupt is asked for. What is pending there "
        "is late; of what is active there the completion is lost, as EOIcount is read only where "
        "LRENPIE was set: it stays active, and its device is never heard again",
        see=f"{HERE}routed-while-filled.toml --variant v7.2",
        source="vgic_flush_lr_state (summarize_ap_list, then the loop), vgic_v3_configure_hcr, "
        "__vgic_v3_save_state, vgic_mmio_write_irouter (7.2). To count in the loop mends it",
        confirmed="7.2.13 (not 6.12.117)",
        upstream=NOBODY,
        conditions=(Condition(TODAY, ("I12:left-behind", *STUCK, *NOT_DELIVERED), counted_before),),
    ),
    Finding(
        id="F44",
        title="what was made active by ISACTIVER is ended in place of what its guest completes",
        since="today, since November 2025",
        what="More is active than there are List Registers, and one of what is outside was made "
        "active by ISACTIVER. EOIcount says that one outside was completed, not which; KVM takes "
        "the first in its order, which need not be what the guest acknowledged last. That one "
        "stays active for good, and the other does not",
        see=f"{HERE}ended-in-place.toml --variant v7.2",
        source="vgic_v3_fold_lr_state (7.2), whose comment takes the reverse order of activations "
        "for granted; vgic_mmio_write_sactive",
        confirmed="7.2.13 (not 6.12.117, which has what is active in List Registers first)",
        upstream=NOBODY,
        conditions=(Condition(TODAY, (*STUCK, *NOT_DELIVERED), ended_in_place),),
    ),
)
"""In order."""
