"""The names of the ways to break the model, to show that the comparison would notice.

Costs nothing to import; `broken` has the classes.
"""

__all__ = ["BETWEEN_CPUS", "FAULTS", "ONLY_GICV2", "ONLY_GICV3", "SPI_BETWEEN_CPUS", "shown_by"]

FAULTS: dict[str, str] = {
    "pa-offered-by-iar": "a List Register that is pending and active is presented to the guest",
    "edge-while-active-lost": "an edge that arrives while the interrupt is active is not latched",
    "eoir-ignores-apr": "the host's EOIR leaves the running priority as it is",
    "eoicount-in-mode-1": "a guest's EOIR in EOImode 1 counts in EOIcount",
    "acknowledge-lowers-line": "an acknowledge takes the pending state of a high level line away",
    "hw-bit-ignored": "a guest's deactivation does not reach the physical interrupt",
    "list-register-stays-active": "a guest's deactivation leaves a HW List Register active",
    "deactivate-takes-pending": "deactivating an active and pending interrupt leaves it inactive",
    "dir-in-mode-0": "the host's DIR deactivates in EOImode 0 as well",
    "dir-only-by-acknowledger": "an SPI can only be deactivated by the CPU that acknowledged it",
    "icpendr-lowers-line": "ICPENDR takes back a level interrupt whose line is high",
    "disable-drops-pending": "disabling an interrupt drops its pending latch",
    "sgi-to-sender": "an SGI arrives at the CPU that sent it",
    "mask-lets-equal-through": "a priority equal to the priority mask is signalled",
    "preemption-ignores-binary-point": "subpriorities take part in preemption",
    "underflow-at-two": "the underflow maintenance interrupt comes with two valid List Registers",
    "elrsr-hides-eoi": "a List Register waiting to report an EOI is shown as empty",
    "guest-drops-lowest": "a guest's EOIR drops its lowest active priority instead of the highest",
    "retarget-while-pending-lost": "a new target does not apply to an SPI that is pending",
    "guest-dir-in-mode-0": "a guest's DIR deactivates in EOImode 0 as well",
    "maintenance-latched": "the maintenance interrupt stays high when its cause has gone",
    "icfgr-not-resampled": "a new ICFGR of an enabled interrupt makes nothing pending, nor ends it",
    "igroupr-not-resampled": "a pending interrupt stays of the group it was of when it came",
    "eoir-of-any-group": "the host's EOIR drops a priority of the other group as well",
    "iar-of-any-group": "the host's IAR takes an interrupt of the other group as well",
    "mask-keeps-low-bits": "the host's priority mask keeps bits that no priority has",
    "fiq-as-irq": "an interrupt of group 0 is signalled as an IRQ, too",
    "hppir-masked": "HPPIR shows only what the priority mask lets through",
    "active-in-group-0": "an acknowledge in group 1 makes a priority of group 0 active",
    "disabled-group-signals": "a group disabled at the CPU interface is still signalled",
    "bpr-writable-under-cbpr": "the host's BPR1 takes a write while CBPR is set",
    "bpr-shows-its-own": "the host's BPR1 shows its own value while CBPR is set",
    "cbpr-ignored": "the host's group 1 uses its own binary point while CBPR is set",
    "lpi-enable-not-derived": "a new enable bit of a pending LPI changes nothing",
    "lpi-stays-pending": "an acknowledged LPI stays pending",
    "lpi-priority-ignored": "LPIs keep their first priority",
    "highest-source-first": "of an SGI's requesting CPUs the highest is acknowledged first",
    "cpendsgir-clears-all": "CPENDSGIR takes an SGI back whoever requested it",
    "source-not-shown": "an acknowledged SGI does not say who requested it",
    "sources-coalesce": "an SGI requested by several CPUs is acknowledged once",
    "one-source-at-a-time": "a second CPU's request of a pending SGI is lost",
    "list-register-deactivates-sgi": "a List Register with HW set deactivates an SGI",
    "vbpr-under-cbpr-off-by-one": "a guest's BPR1 under CBPR shows BPR0 instead of one more",
    "vbpr-below-minimum": "a guest's BPR0 takes values below its minimum",
    "vbpr-writable-under-cbpr": "a guest's BPR1 takes a write while CBPR is set",
    "guest-mask-keeps-low-bits": "a guest's priority mask keeps bits that no priority has",
    "tdir-ignored": "a guest's DIR takes effect although TDIR traps it",
    "tdir-only-in-mode-1": "TDIR traps a guest's DIR in EOImode 1 only",
    "tc-ignored": "a guest's DIR takes effect although TC traps it",
    "tc-leaves-mask": "a guest's write to its priority mask takes effect although TC traps it",
    "guest-lpi-stays-active": "a guest's EOIR in EOImode 1 leaves an LPI active",
    "vcbpr-ignored": "a guest's group 1 uses its own binary point while CBPR is set",
}

#: Those that show only with SPIs that several CPUs share.
SPI_BETWEEN_CPUS = frozenset({"dir-only-by-acknowledger", "retarget-while-pending-lost"})
_SOURCES = frozenset({
    "highest-source-first", "cpendsgir-clears-all", "source-not-shown", "sources-coalesce",
    "one-source-at-a-time",
})  # fmt: skip
#: Those that show only between CPUs.
BETWEEN_CPUS = SPI_BETWEEN_CPUS | _SOURCES | {"sgi-to-sender"}
#: Those of what only GICv2 has, or of what QEMU's GICv3 does itself.
ONLY_GICV2 = _SOURCES | {"list-register-deactivates-sgi"}
#: Those of what only GICv3 has, or of what QEMU's GICv2 does itself.
ONLY_GICV3 = SPI_BETWEEN_CPUS | {
    "igroupr-not-resampled", "eoir-of-any-group", "iar-of-any-group", "fiq-as-irq", "hppir-masked",
    "active-in-group-0", "disabled-group-signals", "bpr-writable-under-cbpr", "bpr-shows-its-own",
    "cbpr-ignored", "lpi-enable-not-derived", "lpi-stays-pending", "lpi-priority-ignored",
    "vbpr-under-cbpr-off-by-one", "vbpr-writable-under-cbpr", "tdir-ignored",
    "tdir-only-in-mode-1", "tc-ignored", "tc-leaves-mask", "guest-lpi-stays-active",
    "vcbpr-ignored",
}  # fmt: skip


def shown_by(fault: str) -> int:
    """Return the version of the GIC that shows a fault: 2 or 3, and 3 where both do."""
    return 2 if fault in ONLY_GICV2 else 3
