"""The names of the ways to break the model, to show that the comparison would notice.

Costs nothing to import; `broken` has the classes.
"""

__all__ = ["BETWEEN_CPUS", "FAULTS", "SPI_BETWEEN_CPUS"]

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
}

#: Those that show only with SPIs that several CPUs share, and those that show only between CPUs.
SPI_BETWEEN_CPUS = frozenset({"dir-only-by-acknowledger", "retarget-while-pending-lost"})
BETWEEN_CPUS = SPI_BETWEEN_CPUS | {"sgi-to-sender"}
