"""The findings from F20 to F38.

From there on they were found with both eras read against their sources, function by function.
"""

from harness.findings.conditions import (
    activated_while_ended,
    anywhere,
    cleared_elsewhere,
    dir_by_another,
    enabled_elsewhere,
    halted_twice,
    idle_and_masked,
    lpis_disabled,
    not_trapped_yet,
    outside_the_registers,
    polled_device,
    posted_to_gicv2,
    recounted,
    switched_off,
    unnotified,
    waits_for_register,
)
from harness.findings.finding import Condition, Finding
from harness.findings.words import (
    BOTH,
    FORGOTTEN,
    HERE,
    INV_ACT,
    NOBODY,
    NOT_DELIVERED,
    OLD,
    STUCK,
    TODAY,
)

__all__ = ["LATER"]


LATER: tuple[Finding, ...] = (
    Finding(
        id="F20",
        title="the documented life cycle takes a new activation for the old one",
        since="the document; 4.2 and 4.3, for the timer only",
        what="Where KVM polls the distributor to find out what its guest has deactivated, a "
        "device's interrupt that the host acknowledges again before the fold looks, on another "
        "CPU or (4.14) with interrupts on, is taken for the one that the guest has ended: it "
        "stays active, reads so, and the new one is lost. For the timer nobody can tell",
        see="spi-level --knob lr_on_guest_deactivate=polled",
        source="vgic_sync_hwirq of 4.3 (the timer's alone was mapped, so that no kernel had "
        "it); the document, Life Cycle; museum 57",
        upstream="gone since 4.4, which trusts the List Register (9f958c11b780)",
        conditions=(
            Condition(
                BOTH,
                (*INV_ACT, *STUCK, *NOT_DELIVERED, "L2:idle"),
                polled_device,
                knob="lr_on_guest_deactivate=polled",
            ),
        ),
    ),
    Finding(
        id="F23",
        title="an SPI can be handled before another VCPU's DIR traps",
        since="today, since November 2025",
        what="The VM's first SPI goes on an ap_list, the locks are dropped, and only then are "
        "all VCPUs asked to leave their guests, to trap DIR from there on. In between its VCPU "
        "may enter with it, and its guest leave the deactivation to another one: that DIR "
        "finds it in no List Register, does not trap, and is lost. The SPI stays active. "
        "Nobody waits for the kicks to arrive, either",
        see="tests/race/test_dir_not_trapped_yet.py",
        source="vgic_queue_irq_unlock, kvm_make_all_cpus_request (without KVM_REQUEST_WAIT), "
        "vgic_v3_configure_hcr (7.2); 4.14 traps no DIR at all",
        confirmed="7.2.13",
        upstream=NOBODY,
        conditions=(
            Condition(BOTH, ("G6",), not_trapped_yet),
            Condition(OLD, ("G15:less",), dir_by_another),
        ),
    ),
    Finding(
        id="F25",
        title="who halts the guests lets them go on though another has them halted",
        since="today",
        what="Irq bypass halts all guests and lets them go on without config_lock, and `pause` "
        "is a flag: what a guest's access to an active state has halted runs again meanwhile",
        see=f"{HERE}second-halter.toml --variant v7.2",
        source="kvm_arch_irq_bypass_stop and _start, kvm_arm_resume_guest (7.2)",
        upstream='"Turn vcpu->arch.pause into a counter" was posted on 29 September 2026',
        conditions=(Condition(TODAY, ("L4:entered", "L4:too-soon", *STUCK), halted_twice),),
    ),
    Finding(
        id="F26",
        title="what is completed outside the List Registers stays active",
        since="before November 2025",
        what="With more interrupts than List Registers, 4.14 asks for an exit only when these "
        "run empty, and reads no EOIcount: what waits outside is late, and the completion of "
        "what is active there is lost. So is a DIR by another VCPU, which does not trap",
        see="overflow --variant v4.14+shipped",
        source="vgic_flush_lr_state, vgic_v3_fold_lr_state (4.14)",
        confirmed="6.12.117 (mended in 7.2.13)",
        upstream="3cfd59f81e0f and its series, 2025",
        conditions=(
            Condition(
                OLD,
                ("I12", "I14", "L2", "I10", "I2", *STUCK, *NOT_DELIVERED),
                outside_the_registers,
            ),
        ),
    ),
    Finding(
        id="F28",
        title="a DIR no longer traps while an SPI is handled that was counted down too often",
        since="today, since November 2025",
        what="KVM traps every VCPU's DIR while `active_spis` is not 0: it goes up when an SPI "
        "is put on an ap_list, and down when a level of software is deactivated. One whose line "
        "is high again by then (the device had its next event, or the line was not lowered "
        "yet) stays on the list, is presented again, and is not counted anew. In EOImode 1 "
        "another VCPU's DIR of it then does not trap, and is lost: the SPI stays active, and "
        "nothing more of its device comes. (After an edge, a mapped SPI, or a level that was "
        "ended within one stay the count never falls: that costs traps, no more)",
        see="tests/race/test_recounted.py",
        source="vgic_queue_irq_unlock (atomic_fetch_inc), vgic_v3_fold_lr "
        "(atomic_dec_if_positive), vgic_prune_ap_list, which counts nothing, "
        "vgic_v3_configure_hcr (7.2). Counting down where it leaves the list mends it",
        confirmed="7.2.13",
        upstream=NOBODY,
        conditions=(Condition(TODAY, ("G1:wrong", "G6", *NOT_DELIVERED), recounted),),
    ),
    Finding(
        id="F29",
        title="what is pending while the distributor is off does not come when it is on again",
        since="all",
        what="A guest switches its distributor off (GICD_CTLR) and on again. What became "
        "pending meanwhile was not queued, and what was pending left its ap_list at the next "
        "prune; switching it on kicks those who have something on their list, and queues "
        "nothing. An edge, an SGI, a timer or a device's line stays pending, and is not "
        "presented until something else queues it (as a write of ISENABLER does)",
        see=f"{HERE}dist-off.toml --variant v7.2",
        source="vgic_target_oracle (dist->enabled), vgic_prune_ap_list, vgic_queue_irq_unlock, "
        "vgic_mmio_write_v3_misc, vgic_mmio_write_v2_misc, vgic_kick_vcpus (7.2; 4.14 alike)",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(
            Condition(
                BOTH,
                (
                    "R8:left-out",
                    "I5",
                    "I11:pending",
                    "I12",
                    "G7:untold",
                    "G8:held",
                    "G15",
                    *NOT_DELIVERED,
                ),
                switched_off,
            ),
        ),
    ),
    Finding(
        id="F30",
        title="a message that comes while LPIs are being disabled is presented all the same",
        since="all, GICv3 with an ITS",
        what="A guest clears EnableLPIs of its redistributor. KVM takes the pending LPIs off "
        "the ap_list, and only then forgets what its cache would translate without asking "
        "whether LPIs are enabled; nor does one that was looked up before ask anew. What comes "
        "in between is queued, and the guest gets it after RWP has read as 0. Before 5.1 "
        "nothing is taken off the list at all",
        see=f"{HERE}lpis-off.toml --variant v7.2",
        source="vgic_mmio_write_v3r_ctlr, vgic_flush_pending_lpis, "
        "vgic_its_inject_cached_translation, vgic_its_resolve_lpi (7.2); 4.14 lacks "
        "96085b949672, which flushes",
        upstream=NOBODY,
        conditions=(Condition(BOTH, ("G2",), lpis_disabled),),
    ),
    Finding(
        id="F31",
        title="a timer that is silenced while it waits for a List Register is presented",
        since="today, since 4.16",
        what="The host takes the timer's interrupt and queues it, and all List Registers are "
        "in use. The guest silences its timer. KVM looks at a mapped level's line again when "
        "it leaves a List Register, and at the next load, but not when it gets one: the guest "
        "is given an interrupt of a timer that is off. Linux counts it as spurious",
        see=f"{HERE}silenced-outside.toml --variant v7.2",
        source="vgic_flush_lr_state, vgic_v3_populate_lr, vgic_irq_handle_resampling (7.2); "
        "4.14 computes the level at each exit. A look at the line before the flush mends it",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(TODAY, ("R30:early", "I7:silent"), waits_for_register),),
    ),
    Finding(
        id="F32",
        title="a guest that idles with something it cannot be given does not sleep",
        since="before 5.0",
        what="A guest idles while something is pending for it that is active still, or that "
        "its priority mask does not let through. KVM looks at neither, takes it for a reason "
        "to run, and goes round and round at full speed",
        see=f"{HERE}idle-below-pmr.toml --variant v4.14",
        source="kvm_vgic_vcpu_pending_irq (4.14): pending and enabled are all it asks",
        upstream="it asks for both today (kvm_vgic_vcpu_pending_irq of 6.1)",
        conditions=(Condition(OLD, ("L2:idle",), idle_and_masked),),
    ),
    Finding(
        id="F33",
        title="on a host that masks the timer, a level that was read at a load is not taken back",
        since="today, on hosts whose timer interrupt has no active state (Apple's)",
        what="A VCPU is loaded while its guest handles its timer and has not silenced it: the load "
        "reads the line as high. When the guest has silenced it and ended the interrupt, the fold "
        "lifts the mask, and does not look at the line, as it does for one that is linked by the "
        "HW bit: the guest is given an interrupt of a timer that is off",
        see="save --variant v7.2 --knob masks=1",
        source="vgic_irq_handle_resampling (vgic_irq_needs_resampling), "
        "kvm_timer_vcpu_load_gic, timer_irq_set_irqchip_state (7.2). A look at the line mends it",
        upstream=NOBODY,
        conditions=(Condition(TODAY, ("I7:silent", "I12:left-behind"), anywhere, knob="masks=1"),),
    ),
    Finding(
        id="F34",
        title="a DIR of what another VCPU has in a List Register notifies nobody",
        since="today, since November 2025",
        what="In EOImode 1 a guest completes a level of software that has a resamplefd, and "
        "another VCPU deactivates it while it is in a List Register: KVM clears its active state "
        "as for a write to ICACTIVER, and calls no notifier. The line stays high, and the "
        "interrupt is presented once more, for nothing. (Its end is notified then)",
        see=f"{HERE}dir-unnotified.toml --variant v7.2",
        source="vgic_v3_deactivate (7.2): `mmio`, which goes to vgic_mmio_write_cactive; only "
        "vgic_v3_fold_lr calls kvm_notify_acked_irq. Notifying there as well mends it",
        confirmed="7.2.13 (not 6.12.117, where no such DIR has an effect)",
        upstream=NOBODY,
        conditions=(Condition(TODAY, ("G3:nothing",), unnotified),),
    ),
    Finding(
        id="F35",
        title="a guest's ICPENDR of what is in another VCPU's List Register is undone",
        since="all",
        what="A guest clears the pending state of an edge while another VCPU has it in a List "
        "Register, not acknowledged yet. KVM clears its latch in memory, and halts nobody as it "
        "does for an active state; the next fold takes the List Register's pending bit for a "
        "latch, and the guest is given what it has cleared",
        see=f"{HERE}cleared-elsewhere.toml",
        source="__clear_pending, vgic_v3_fold_lr (7.2: of an edge the pending bit is kept), "
        "vgic_mmio_write_cpending, vgic_v3_fold_lr_state (4.14)",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(BOTH, ("G3:nothing",), cleared_elsewhere),),
    ),
    Finding(
        id="F36",
        title="a write of an active state that the distributor takes later is not waited for",
        since="before 6.13; today with a GICv2",
        what="KVM makes a physical interrupt active for its guest by a write that may be posted. A "
        "guest that acknowledges and ends the interrupt before the write takes effect deactivates "
        "what is not active, and the write makes active what nobody will end. Since 6.13 the "
        "driver of a GICv3 reads the register back; that of a GICv2 does not. (No GICv2 is known "
        "whose distributor lags behind its own CPU interface)",
        see="migrate --variant v7.2 --knob posted_writes=1 --knob gic_version=2",
        source="gic_irq_set_irqchip_state of irq-gic.c (7.2), without the gic_peek_irq that "
        "464cb98f1c07 gave that of irq-gic-v3.c. A read of the register mends it",
        upstream="464cb98f1c07 for a GICv3 (November 2024); of a GICv2 nobody was asked",
        conditions=(
            Condition(
                OLD,
                (*INV_ACT, "R18", *FORGOTTEN, *STUCK, *NOT_DELIVERED),
                anywhere,
                knob="posted_writes=1",
            ),
            Condition(
                TODAY,
                (*INV_ACT, "R18", *FORGOTTEN, *STUCK, *NOT_DELIVERED),
                posted_to_gicv2,
                knob="posted_writes=1",
            ),
        ),
    ),
    Finding(
        id="F37",
        title="an SPI that is enabled again wakes its new target, not the sleeper that has it",
        since="all",
        what="An SPI is on the ap_list of a VCPU that sleeps; a guest routes it to another one and "
        "disables it, and the sleeper, woken for it, looks, finds it disabled and sleeps again "
        "without an entry that would prune its list. When the guest enables it, KVM kicks the "
        "VCPU that it is routed to, which has it on no list; the sleeper, who would move or take "
        "it, is woken by nobody, also not by a route back. As F16, with a VCPU that is not dead",
        see=f"{HERE}enabled-elsewhere.toml",
        source="vgic_queue_irq_unlock (irq->vcpu set: the oracle's VCPU is kicked), "
        "vgic_mmio_write_irouter, kvm_vgic_vcpu_pending_irq, kvm_vcpu_block (7.2; 4.14 alike). "
        "Kicking irq->vcpu mends it",
        confirmed="7.2.13, 6.12.117",
        upstream=NOBODY,
        conditions=(Condition(BOTH, (*NOT_DELIVERED, "G7:untold"), enabled_elsewhere),),
    ),
    Finding(
        id="F38",
        title="an ISACTIVER is undone by a deactivation that is still under way",
        since="today",
        what="A guest's write to ISACTIVER of a mapped SPI halts its VCPU, and makes the physical "
        "interrupt active from the writer's CPU. If what that VCPU's guest has just deactivated "
        "reaches the distributor only then, it ends what was written: a HW List Register is "
        "active and the physical interrupt is not. Nothing orders the two. (Only with a GIC that "
        "takes longer than the exit and the halt)",
        see="tests/race/test_activated_while_ended.py",
        source="vgic_mmio_change_active, vgic_hw_irq_change_active, kvm_arm_halt_guest; no barrier "
        "on the way out of the guest waits for a deactivation (7.2)",
        upstream=NOBODY,
        conditions=(Condition(TODAY, INV_ACT, activated_while_ended),),
    ),
)
"""In order."""
