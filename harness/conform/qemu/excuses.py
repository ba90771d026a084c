"""What the comparison may forgive, and nothing else.

Two classes of excuse. A *departure* is a place where QEMU is wrong: the entry predicts exactly what
QEMU will show instead, and where the two sides would stay apart, it brings them back together by
an operation on both. An *unpredictable* is a place where the architecture leaves (CONSTRAINED)
UNPREDICTABLE what happens and the model follows QEMU: nothing is forgiven there, the entry is
counted so that the summary shows which choices were exercised. Any other difference is a fault of
the model.

Each entry has a demonstration: run without it, a departure must diverge and an unpredictable must
not. So an excuse that a newer QEMU no longer needs is noticed, and not granted. One that is granted
must be just as predicted: the state without it counts as a difference, too.

Where QEMU could not be brought back into step the generator does not go; such entries are marked
``avoided`` and only demonstrated.

What QEMU does not have cannot be held against it: SPIs routed to any CPU (GICD_TYPER.No1N is 1, so
GICD_IROUTER.IRM is not implemented), GICR_SETLPIR (LPIs come by messages to its ITS), two security
states. SGIs stay in group 1: ICC_SGI1R_EL1 sends no others. GICv2's physical interrupts stay in
group 0, and its guest's binary points equal, so CBPR shows there as a bit only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harness.conform.qemu import conditions as on, conditions_v3 as v3
from harness.conform.qemu.emit import Operation

__all__ = ["DEPARTURE", "EXCUSES", "UNPREDICTABLE", "Excuse", "applicable"]

DEPARTURE = "departure"
UNPREDICTABLE = "unpredictable"
_BOTH = "7.2 and 10.0"


@dataclass(frozen=True, kw_only=True)
class Excuse:
    """One entry, for a GIC version and the versions of QEMU that begin with one of ``versions``.

    ``qemu`` names the versions that were seen to need it, ``reason`` says what QEMU does and what
    the architecture says; ``demonstration`` are operations from the initial state that show it.

    ``applies`` is asked after an operation of ``operations``; ``shows`` says what QEMU shows then
    and ``repair`` what brings both sides together again. ``stands`` is asked after every operation
    and needs no repair. It takes ``cpus`` CPUs to meet it.
    """

    name: str
    kind: str
    gic: int
    qemu: str
    reason: str
    demonstration: list[Operation]
    operations: frozenset[str] = frozenset()
    applies: on.Applies | None = None
    shows: Callable[[on.Case], None] | None = None
    repair: Callable[[on.Case], list[Operation]] | None = None
    stands: Callable[[on.Case], None] | None = None
    versions: tuple[str, ...] = ("",)
    avoided: bool = False
    cpus: int = 1


_EOIR = frozenset({"veoir", "veoir0"})

_V3_LR = 1 << 62 | 1 << 60 | 0x80 << 48
_V3_VMCR = 0xF0 << 24 | 2 << 21 | 3 << 18 | 3
_V3_ON: list[Operation] = [("vmcr", 0, _V3_VMCR), ("hcr", 0, 1)]
_V3_TAKEN: list[Operation] = [*_V3_ON, ("lr", 0, 0, _V3_LR | 77), ("viar", 0)]

_V2_LR = 1 << 28 | 0x10 << 23
_V2_VMCR = 0x1E << 27 | 2 << 21 | 3 << 18 | 3
_V2_ON: list[Operation] = [("vmcr", 0, _V2_VMCR), ("hcr", 0, 1)]


_DEPARTURES_GICV3 = [
    Excuse(
        name="eoicount-on-eoir-in-eoimode-1", kind=DEPARTURE, gic=3, qemu=_BOTH,
        reason="EOIcount counts an EOIR without a List Register although in EOImode 1 no"
        " deactivation would have followed (IHI0069 ICH_HCR_EL2.EOIcount); KVM's emulation does the"
        " same, and the model with eoicount_on_eoir_mode1",
        operations=_EOIR, applies=on.counted_in_mode_1, shows=on.shows_one_more,
        repair=on.rewrite_hcr,
        demonstration=[
            ("vmcr", 0, _V3_VMCR | 1 << 9), ("hcr", 0, 1), ("apr", 0, 1, 1 << 16), ("veoir", 0, 77),
        ],
    ),
    Excuse(
        name="misr-vgrp0d-tests-veng1", kind=DEPARTURE, gic=3, qemu=_BOTH,
        reason="MISR.VGrp0D follows VENG1 instead of VENG0 (IHI0069 ICH_MISR_EL2)",
        operations=frozenset({"hcr", "vmcr"}), applies=on.vgrp0d, shows=on.shows_vgrp0d,
        repair=on.without_vgrp0d,
        demonstration=[("vmcr", 0, _V3_VMCR & ~1), ("hcr", 0, 1 | 1 << 5)],
    ),
    Excuse(
        name="vmcr-keeps-mask-bits", kind=DEPARTURE, gic=3, qemu=_BOTH,
        reason="a write to ICH_VMCR_EL2 keeps bits of VPMR that no priority has, and the mask then"
        " compares by them (IHI0069 ICV_PMR_EL1: bits that are not implemented are RAZ/WI)",
        operations=frozenset({"vmcr"}), applies=v3.low_mask_bits, shows=v3.shows_low_mask_bits,
        repair=v3.rewrite_vmcr, demonstration=[("vmcr", 0, _V3_VMCR | 1 << 24)],
    ),
    Excuse(
        name="list-register-deactivates-sgi", kind=DEPARTURE, gic=3, qemu=_BOTH,
        reason="a List Register with HW set deactivates a physical SGI; QEMU's GICv2 ignores it,"
        " and so does the model in both versions (UNPREDICTABLE: IHI0069 ICH_LR<n>_EL2.pINTID)",
        operations=frozenset({"veoir", "veoir0", "vdir"}), applies=v3.deactivated_sgi,
        shows=v3.shows_deactivated_sgi, repair=v3.write_sgi_inactive,
        demonstration=[
            *_V3_ON, ("active", 0, 5, 1), ("lr", 0, 0, _V3_LR | 1 << 61 | 5 << 32 | 77),
            ("viar", 0), ("veoir", 0, 77),
        ],
    ),
    Excuse(
        name="disabled-group-hides-others", kind=DEPARTURE, gic=3, qemu=_BOTH,
        reason="a pending interrupt of a group that the CPU interface disables is still the first,"
        " and keeps those of the other group from being signalled (IHI0069 section 4.6.1: only"
        " enabled groups take part)",
        stands=v3.disabled_group,
        demonstration=[
            ("group", 0, 0, 0xFFFFFFFF & ~(1 << 26)), ("enable", 0, 26, 1), ("enable", 0, 27, 1),
            ("line", 0, 26, 1), ("line", 0, 27, 1),
        ],
    ),
    Excuse(
        name="equal-priorities-of-two-groups", kind=DEPARTURE, gic=3, qemu=_BOTH,
        reason="of two pending interrupts with one priority the lower INTID is the first; in the"
        " model, where that leaves them in two groups, the one of group 0 (IMPLEMENTATION DEFINED:"
        " IHI0069 section 4.8)",
        stands=v3.equal_priorities,
        demonstration=[
            ("group", 0, 0, 0xFFFFFFFF & ~(1 << 27)), ("group_enable", 0, 0, 1),
            ("enable", 0, 26, 1), ("enable", 0, 27, 1), ("line", 0, 26, 1), ("line", 0, 27, 1),
        ],
    ),
]  # fmt: skip

_DEPARTURES_GICV2 = [
    Excuse(
        name="spi-active-per-cpu", kind=DEPARTURE, gic=2, qemu="7.2", versions=("7.",),
        reason="an SPI is active once for each CPU: an acknowledge sets one of them, ISACTIVER all"
        " eight, a deactivation clears that of the CPU that makes it (IHI0048 section 3.2.4: there"
        " is one active state)",
        operations=frozenset({"eoir", "dir", "veoir", "vdir"}), applies=on.still_active,
        shows=on.shows_still_active, repair=on.write_inactive,
        demonstration=[("eoimode", 0, 1), ("active", 0, 37, 1), ("dir", 0, 37)],
    ),
    Excuse(
        name="hw-deactivation-not-evaluated", kind=DEPARTURE, gic=2, qemu=_BOTH,
        reason="after a deactivation through a List Register neither HPPIR nor the interrupt"
        " signal is looked at again (IHI0048 section 5.2.1)",
        operations=frozenset({"veoir", "vdir"}), applies=on.stale, shows=on.shows_stale,
        repair=on.evaluates_again,
        demonstration=[
            *_V2_ON, ("enable", 0, 27, 1), ("line", 0, 27, 1), ("eoimode", 0, 1), ("iar", 0),
            ("eoir", 0, 27), ("lr", 0, 0, _V2_LR | 1 << 31 | 27 << 10 | 77), ("viar", 0),
            ("veoir", 0, 77),
        ],
    ),
    Excuse(
        name="hppir-without-sgi-source", kind=DEPARTURE, gic=2, qemu=_BOTH, cpus=2,
        reason="GICC_HPPIR of an SGI lacks the requesting CPU (IHI0048 GICC_HPPIR.CPUID)",
        stands=on.without_source("HPPIR"), demonstration=[("sgi", 1, 0, 5)],
    ),
    Excuse(
        name="virtual-hppir-without-sgi-source", kind=DEPARTURE, gic=2, qemu=_BOTH,
        reason="GICV_HPPIR of an SGI lacks the requesting CPU (IHI0048 GICV_HPPIR.CPUID)",
        stands=on.without_source("V_HPPIR"),
        demonstration=[*_V2_ON, ("lr", 0, 0, _V2_LR | 3 << 10 | 5)],
    ),
    Excuse(
        name="hppir-needs-priority-mask", kind=DEPARTURE, gic=2, qemu=_BOTH,
        reason="GICC_HPPIR shows 1023 for a pending interrupt that the priority mask holds back"
        " (IHI0048 GICC_HPPIR: the mask does not matter)",
        stands=on.masked_hppir,
        demonstration=[("pmr", 0, 0x40), ("enable", 0, 27, 1), ("line", 0, 27, 1)],
    ),
    Excuse(
        name="virtual-hppir-needs-priority-mask", kind=DEPARTURE, gic=2, qemu=_BOTH,
        reason="GICV_HPPIR shows 1023 for a List Register that the guest's priority mask holds"
        " back, and while GICH_HCR.En is 0 (IHI0048 GICV_HPPIR)",
        stands=on.masked_virtual_hppir,
        demonstration=[*_V2_ON, ("vpmr", 0, 0x40), ("lr", 0, 0, _V2_LR | 77)],
    ),
]  # fmt: skip

_AVOIDED_GICV3 = [
    Excuse(
        name="priority-keeps-low-bits", kind=DEPARTURE, gic=3, qemu=_BOTH, avoided=True,
        reason="IPRIORITYR keeps eight bits, and interrupts are compared by them, although the CPU"
        " interface has five (IHI0069 section 4.8: bits that are not implemented are RAZ/WI)",
        demonstration=[
            ("enable", 0, 26, 1), ("enable", 0, 27, 1), ("priority", 0, 26, 0x87),
            ("priority", 0, 27, 0x80), ("line", 0, 26, 1), ("line", 0, 27, 1),
        ],
    ),
]  # fmt: skip

_AVOIDED_GICV2 = [
    Excuse(
        name="ppi-ispendr-ignored", kind=DEPARTURE, gic=2, qemu="7.2", versions=("7.",),
        avoided=True, cpus=2,
        reason="ISPENDR of a PPI is ignored if there is more than one CPU (IHI0048 GICD_ISPENDRn)",
        demonstration=[("pending", 1, 27, 1)],
    ),
    Excuse(
        name="ppi-icfgr-not-banked", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True, cpus=2,
        reason="ICFGR1 is one register for all CPUs (IHI0048 GICD_ICFGRn: banked)",
        demonstration=[("config", 0, 16, 1 << 11)],
    ),
    Excuse(
        name="spendsgir-without-source", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True,
        reason="a write of 0 to a byte of GICD_SPENDSGIR makes the SGI pending without a requesting"
        " CPU, and its acknowledge ends QEMU (IHI0048 GICD_SPENDSGIRn: 0 has no effect)",
        demonstration=[("sgi_pending", 0, 5, 0, 1)],
    ),
    Excuse(
        name="spi-pending-per-cpu", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True, cpus=2,
        reason="a pending edge of an SPI stays with the CPU that was its target when it came"
        " (IHI0048 section 3.2.4: there is one pending state)",
        demonstration=[
            ("config", 0, 32, 1 << 5), ("enable", 0, 37, 1), ("edge", 0, 37), ("target", 0, 37, 2),
        ],
    ),
    Excuse(
        name="guest-eoir-other-priority-v2", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True,
        reason="a guest's EOIR deactivates the List Register that is active for the vINTID whatever"
        " priority was dropped, or none; QEMU's GICv3 only drops, and so does the model in both"
        " versions (UNPREDICTABLE: IHI0048 GICV_EOIR)",
        demonstration=[*_V2_ON, ("lr", 0, 0, 2 << 28 | 0x10 << 23 | 77), ("veoir", 0, 77)],
    ),
    Excuse(
        name="two-list-registers-one-vintid-v2", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True,
        reason="of two pending List Registers with one vINTID the lower one is activated, even if"
        " the other has the higher priority (UNPREDICTABLE: IHI0048 GICH_LRn)",
        demonstration=[
            *_V2_ON, ("lr", 0, 0, 1 << 28 | 0x18 << 23 | 77), ("lr", 0, 1, 1 << 28 | 8 << 23 | 77),
            ("viar", 0),
        ],
    ),
    Excuse(
        name="preemption-without-group-mask", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True,
        reason="the running priority is compared as it is, not by the bits that the binary point of"
        " the pending interrupt leaves; it shows when a binary point changes while a priority is"
        " active, or differs between the groups (IHI0048 section 3.3.3)",
        demonstration=[
            ("hcr", 0, 1), ("vmcr", 0, _V2_VMCR | 7 << 21), ("apr", 0, 0, 1 << 28),
            ("lr", 0, 0, 1 << 28 | 77),
        ],
    ),
    Excuse(
        name="disabled-group-blocks", kind=DEPARTURE, gic=2, qemu=_BOTH, avoided=True,
        reason="a pending List Register of a group that the guest has disabled is still the first"
        " to be presented, and keeps others from it (IHI0048 section 5.2.2)",
        demonstration=[
            ("hcr", 0, 1), ("vmcr", 0, _V2_VMCR & ~2), ("lr", 0, 0, 1 << 30 | 1 << 28 | 78),
            ("lr", 0, 1, _V2_LR | 77),
        ],
    ),
]  # fmt: skip


def _unpredictable(gic: int, vmcr: int) -> list[Excuse]:
    """Return the places where the model follows QEMU in both versions of the GIC."""
    pending = _V3_LR if gic == 3 else _V2_LR
    both = 3 << 62 | 1 << 61 | 27 << 32 if gic == 3 else 3 << 28 | 1 << 31 | 27 << 10
    ready: list[Operation] = [("vmcr", 0, vmcr), ("hcr", 0, 1)]
    return [
        Excuse(
            name=f"guest-eoir-idle-v{gic}", kind=UNPREDICTABLE, gic=gic, qemu=_BOTH,
            reason="a guest's EOIR with no active priority does nothing",
            operations=_EOIR, applies=on.no_priority,
            demonstration=[*ready, ("lr", 0, 0, pending | 77), ("veoir", 0, 77)],
        ),
        Excuse(
            name=f"deactivate-inactive-v{gic}", kind=UNPREDICTABLE, gic=gic, qemu=_BOTH,
            reason="DIR of an interrupt that is not active does nothing",
            operations=frozenset({"dir"}), applies=on.inactive,
            demonstration=[("eoimode", 0, 1), ("dir", 0, 40)],
        ),
        Excuse(
            name=f"hw-list-register-pending-active-v{gic}", kind=UNPREDICTABLE, gic=gic, qemu=_BOTH,
            reason="a List Register with HW set may be written pending and active; it is not"
            " presented before its active half is deactivated",
            operations=frozenset({"lr"}), applies=on.hw_pending_active,
            demonstration=[
                *ready, ("active", 0, 27, 1), ("lr", 0, 0, pending | both | 77), ("viar", 0)
            ],
        ),
    ]  # fmt: skip


_UNPREDICTABLE_GICV3 = [
    Excuse(
        name="guest-eoir-other-priority-v3", kind=UNPREDICTABLE, gic=3, qemu=_BOTH,
        reason="a guest's EOIR of an interrupt that is not the one whose priority is dropped only"
        " drops the priority",
        operations=_EOIR, applies=on.other_priority,
        demonstration=[*_V3_TAKEN, ("apr", 0, 1, 1 << 4), ("veoir", 0, 77)],
    ),
    Excuse(
        name="two-list-registers-one-vintid-v3", kind=UNPREDICTABLE, gic=3, qemu=_BOTH,
        reason="of two active List Registers with one vINTID the lower one is deactivated",
        operations=frozenset({"lr"}), applies=on.same_vintid,
        demonstration=[
            *_V3_TAKEN, ("lr", 0, 1, _V3_LR | 77), ("veoir", 0, 77), ("viar", 0), ("veoir", 0, 77)
        ],
    ),
]  # fmt: skip

#: Every excuse there is.
EXCUSES: list[Excuse] = [
    *_DEPARTURES_GICV3,
    *_DEPARTURES_GICV2,
    *_AVOIDED_GICV3,
    *_AVOIDED_GICV2,
    *_unpredictable(3, _V3_VMCR),
    *_UNPREDICTABLE_GICV3,
    *_unpredictable(2, _V2_VMCR),
]


def applicable(gic: int, cpus: int, version: str) -> list[Excuse]:
    """Return the excuses for a GIC version, a number of CPUs and a version of QEMU ("7.2.22")."""
    return [
        excuse
        for excuse in EXCUSES
        if excuse.gic == gic and excuse.cpus <= cpus and version.startswith(excuse.versions)
    ]
