"""The known findings. Kernels are named where one was booted and shown to have the fault.

"nobody was asked" means that no report of it to the maintainers is known.
"""

from harness.findings.conditions import (
    anywhere,
    armed_again,
    cleared_active,
    cleared_pending,
    deactivated_by_another,
    deactivated_while_high,
    enabled_level,
    far_timer,
    idle_and_due,
    level_made_pending,
    made_pending,
    one_register,
    powered_off,
    resampled,
    routed_from_the_dead,
)
from harness.findings.finding import Condition, Finding
from harness.findings.generated import GENERATED
from harness.findings.later import LATER
from harness.findings.words import (
    BOTH,
    FORGOTTEN,
    HERE,
    INV_ACT,
    NOBODY,
    NOT_DELIVERED,
    STUCK,
    TODAY,
)

__all__ = ["FINDINGS"]

FINDINGS: dict[str, Finding] = {
    finding.id: finding
    for finding in (
        Finding(
            id="F1",
            title="a line that KVM has read, and the GIC does not show before the next entry",
            since="today",
            what="A guest enables a level interrupt (its timer's PPI) while the line is high: KVM "
            "reads the line, and relies on the host taking the interrupt before the next entry. If "
            "the GIC presents it later, a HW List Register is pending and the physical interrupt "
            "inactive. The same where the fold reads a line that has just risen, and for a "
            "device's SPI that another CPU has still to take, with a GIC of any speed; and where "
            "KVM deactivates for a guest (a DIR that traps) that silences its timer only then",
            see=f"{HERE}enable-while-asserted.toml --variant v7.2",
            source="vgic_mmio_write_senable, vgic_irq_handle_resampling, vgic_v2_deactivate (7.2)",
            upstream=NOBODY,
            conditions=(
                Condition(BOTH, INV_ACT, enabled_level),
                Condition(TODAY, INV_ACT, armed_again, builtin=True),
                Condition(TODAY, INV_ACT, deactivated_while_high),
            ),
        ),
        Finding(
            id="F2",
            title="a trapped DIR drops irq_lock between looking and deactivating",
            since="today, since November 2025",
            what="`vgic_v3_deactivate`, for a DIR that trapped, drops `irq_lock` between finding "
            "the interrupt active and folding it. Its VCPU flushes in between, and brings the "
            "active state back: the deactivation is lost, and every later interrupt with it",
            see="overflow-dir --variant F2",
            source="vgic_v3_deactivate, vgic_v2_deactivate (7.2); vgic_v3_fold_lr_state's replay "
            "of EOIcount has the same gap",
            confirmed="7.2.13",
            upstream='a patch for the replay ("serialize overflow EOI replay") was posted on 20 '
            "September 2026",
            conditions=(
                Condition(TODAY, (*INV_ACT, *STUCK, *NOT_DELIVERED), anywhere, patch="F2"),
            ),
        ),
        Finding(
            id="F3",
            title="halting the guests misses a VCPU that has interrupts in its List Registers",
            since="today",
            what="Halting the guests, for ISACTIVER and ICACTIVER, misses a VCPU in three windows: "
            "between its flush and guest mode; between giving guest mode up and its fold; and "
            "where the request comes after its last look at requests and before guest mode, so "
            "that it flushes, gives its entry up and folds beside the writer. It folds over the "
            "state just written",
            see="overflow-dir --variant F3",
            source="kvm_arm_halt_guest, kvm_arch_vcpu_ioctl_run, vgic_mmio_change_active (7.2)",
            confirmed="7.2.13, each window",
            upstream="the exit's window: \"Move OUTSIDE_GUEST_MODE publication past context being "
            'saved" was posted on 29 September 2026; the other two stay',
            conditions=(
                Condition(TODAY, (*INV_ACT, *STUCK, *NOT_DELIVERED), anywhere, patch="F3"),
            ),
        ),
        Finding(
            id="F4",
            title="what a guest made pending loses its physical active state",
            since="today",
            what="What a guest makes pending by ISPENDR of its timer (or of a device's interrupt) "
            "loses the physical active state at the next exit or load; in 4.14 it has none",
            see=f"{HERE}pend-and-exit.toml --variant v7.2",
            source="vgic_mmio_write_spending (df635c5b184d), vgic_irq_handle_resampling, "
            "kvm_timer_vcpu_load_gic (7.2); 4.14 writes no physical active state there",
            confirmed="7.2.13, by a trace",
            upstream=NOBODY,
            conditions=(Condition(BOTH, INV_ACT, made_pending),),
        ),
        Finding(
            id="F5",
            title="a timer silenced late is held back until the next load",
            since="today",
            what="A timer silenced too late for the GIC to see stays active; armed again, it is "
            "held back until the next load (messages without bounds only)",
            see=f"{HERE}armed-again.toml --variant v7.2 --knob gic_messages=lagging",
            source="kvm_arch_timer_handler, kvm_timer_vcpu_load_gic (7.2)",
            upstream=NOBODY,
            conditions=(Condition(TODAY, ("G8:held",), anywhere, knob="gic_messages=lagging"),),
        ),
        Finding(
            id="F7",
            title="a storm of underflow interrupts with one List Register",
            since="all",
            what="With a single List Register, UIE is asserted as soon as one interrupt is left "
            "outside: a storm. (No hardware with one is known)",
            see=f"{HERE}one-register.toml",
            source="vgic_v3_configure_hcr (7.2), vgic_flush_lr_state (4.14)",
            upstream=NOBODY,
            conditions=(Condition(BOTH, ("I14", "L2:storm"), one_register),),
        ),
        Finding(
            id="F8",
            title="a trapped DIR wakes nobody",
            since="today, since November 2025",
            what="A DIR that trapped leaves the interrupt's VCPU at a request, without a kick: if "
            "it idles and an edge came meanwhile, nobody wakes it. One edge and List Registers to "
            "spare are enough",
            see=f"{HERE}dir-wakes-nobody.toml --variant v7.2",
            source="vgic_v3_deactivate (7.2)",
            confirmed="7.2.13",
            upstream=NOBODY,
            conditions=(
                Condition(TODAY, ("I5:elsewhere", *NOT_DELIVERED), deactivated_by_another),
            ),
        ),
        Finding(
            id="F9",
            title="a write to the emulated timer can be preempted halfway",
            since="today, without VHE or with nested guests",
            what="A write to the emulated physical timer is preemptible between cancelling and "
            "writing: a load in between arms the old value",
            see="tests/race/test_phys_timer.py",
            source="kvm_arm_timer_write_sysreg, kvm_hrtimer_expire (7.2)",
            upstream=NOBODY,
            conditions=(Condition(TODAY, ("I7:ptimer",), anywhere, patch="F9"),),
        ),
        Finding(
            id="F10",
            title="a physical timer that fires between flush and entry is late",
            since="4.14",
            what="A physical timer that fires between the flush and the entry is late: its soft "
            "timer's callback only wakes, and the guest runs on until something else makes it exit",
            see="timer-phys --variant F10",
            source="kvm_timer_flush_hwstate, kvm_timer_expire (4.14)",
            upstream="gone since 4.15, whose callback injects",
            conditions=(
                Condition(("v4.14",), ("I11:guest-uncovered", "G8:stayed"), anywhere, patch="F10"),
            ),
        ),
        Finding(
            id="F12",
            title="an idle guest whose due timer cannot be delivered is woken without end",
            since="today, and before",
            what="A guest idles while its timer is due and not let through (disabled at the GIC): "
            "KVM arms a background timer for the past, again and again, and burns the CPU. In 4.14 "
            "WFI does not block at all then",
            see=f"{HERE}idle-and-due.toml",
            source="kvm_timer_blocking (7.2); kvm_vcpu_check_block, kvm_cpu_has_pending_timer, "
            "kvm_vgic_vcpu_pending_irq (4.14)",
            confirmed="7.2.13, 6.12.95",
            upstream=NOBODY,
            conditions=(Condition(BOTH, ("L2:woken", "L2:idle"), idle_and_due),),
        ),
        Finding(
            id="F13",
            title="a VCPU that is paused or powered off is woken without end",
            since="today",
            what="A VCPU that is paused, or powered off by PSCI, with its timer due, counts as "
            "blocking: its put arms the background timer for the past, as in F12",
            see=f"{HERE}powered-off.toml --variant v7.2",
            source="kvm_vcpu_is_blocking, kvm_timer_vcpu_put, kvm_vcpu_sleep (7.2)",
            confirmed="7.2.13, 6.12.95",
            upstream=NOBODY,
            conditions=(Condition(TODAY, ("L2:woken",), powered_off),),
        ),
        Finding(
            id="F14",
            title="a level SPI completed within one stay notifies nobody",
            since="today",
            what="A level interrupt of software that is acknowledged and completed within one stay "
            "is not notified to its resample eventfd, and is presented again and again: KVM asks "
            "whether it was active when it was folded last",
            see="spi-resample --variant F14",
            source="vgic_v3_fold_lr (7.2): `deactivated &&` before lr_signals_eoi_mi; without it, "
            "as in vgic_v2_fold_lr, each end is notified",
            confirmed="7.2.13 (not 6.12.95)",
            upstream=NOBODY,
            conditions=(Condition(TODAY, ("G3", "I7", *NOT_DELIVERED), resampled, patch="F14"),),
        ),
        Finding(
            id="F15",
            title="a guest's ICACTIVER of a pending interrupt takes the physical active state",
            since="today",
            what="A guest's ICACTIVER of a mapped interrupt that is pending clears its physical "
            "active state, and the next flush presents it in a HW List Register all the same",
            see=f"{HERE}cleared-while-pending.toml",
            source="vgic_hw_irq_change_active (7.2; df635c5b184d); 4.14 as in F4",
            upstream=NOBODY,
            conditions=(Condition(BOTH, INV_ACT, cleared_active),),
        ),
        Finding(
            id="F16",
            title="an SPI left on the ap_list of a VCPU that has gone stays there",
            since="all",
            what="An SPI that is pending for a VCPU which goes offline and is routed elsewhere "
            "only then is not delivered: IROUTER moves nothing, and only the thread of the VCPU "
            "that has it prunes its list",
            see=f"{HERE}left-behind.toml",
            source="vgic_mmio_write_irouter, vgic_prune_ap_list (7.2)",
            confirmed="7.2.13, 6.12.117",
            upstream=NOBODY,
            conditions=(Condition(BOTH, NOT_DELIVERED, routed_from_the_dead),),
        ),
        Finding(
            id="F17",
            title="a guest's ICPENDR of a pending interrupt takes the physical active state",
            since="today",
            what="A guest's ICPENDR of a mapped interrupt that is not active clears its physical "
            "active state, also where another VCPU has it pending in a List Register, or is about "
            "to: no VCPU is halted for it",
            see=f"{HERE}pending-cleared.toml",
            source="vgic_hw_irq_cpending, vgic_mmio_write_cpending (7.2; df635c5b184d); 4.14 as in "
            "F4",
            upstream=NOBODY,
            conditions=(Condition(BOTH, INV_ACT, cleared_pending),),
        ),
        Finding(
            id="F18",
            title="a level that a guest makes pending while KVM folds it is forgotten",
            since="all",
            what="A guest's ISPENDR of a device's level interrupt halts nobody. Between another "
            "VCPU's exit and its fold, that takes the empty List Register for an acknowledge: the "
            "pending state is gone, and the physical interrupt stays active. In 4.14 the same with "
            "what is active: its List Register has no pending bit",
            see=f"{HERE}pended-while-folded.toml",
            source="vgic_mmio_write_spending, vgic_v3_fold_lr (7.2), vgic_v3_fold_lr_state (4.14; "
            "since 67b5b673ad4d only an empty register clears the latch)",
            confirmed="7.2.13, 6.12.117",
            upstream=NOBODY,
            conditions=(
                Condition(BOTH, ("R8:left-out", *FORGOTTEN, *NOT_DELIVERED), level_made_pending),
            ),
        ),
        Finding(
            id="F19",
            title="a write to another VCPU's redistributor acts on the writer's own timer and CPU",
            since="today, GICv3",
            what="A guest's ISACTIVER, ICACTIVER, ISPENDR, ICPENDR or ISENABLER of another VCPU's "
            "redistributor for the timer's PPI writes the physical active state of the CPU that "
            "the writer runs on, and looks at the writer's timer: its own next interrupt is held "
            "back, and the other's is not",
            see=f"{HERE}active-elsewhere.toml",
            source="vgic_irq_set_phys_active, kvm_arch_timer_get_input_level, which asks "
            "kvm_get_running_vcpu (7.2); 4.14 tells the hardware nothing",
            confirmed="7.2.13, 6.12.117",
            upstream=NOBODY,
            conditions=(
                Condition(
                    TODAY, (*INV_ACT, *FORGOTTEN, "R18", "R28b", "G8", *NOT_DELIVERED), far_timer
                ),
            ),
        ),
        *LATER,
        *GENERATED,
    )
}
"""All of them by id, in order. (F6 was none, and F11 was a fault of the model.)"""
