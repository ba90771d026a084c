"""What a vgic may lawfully do otherwise than a GIC without virtualisation: one list.

Each entry says which rules leave it out, what it is, why, and where it is said. Delay is not here:
the rules allow it by themselves, an access until its guest goes on, an edge until the host's
handler has ended, a message of the GIC until its bound.
"""

from typing import NamedTuple

from model import facts

__all__ = ["EXCUSES", "Excuse", "reads_memory"]


class Excuse(NamedTuple):
    """``rules`` say nothing of ``what``, because of ``why``; ``source`` is where that is said."""

    rules: tuple[str, ...]
    what: str
    why: str
    source: str


EXCUSES: tuple[Excuse, ...] = (
    Excuse(
        ("G2", "G3", "G5"),
        "a VCPU that runs its guest still takes from its List Registers what another VCPU has "
        "disabled, cleared (ICPENDR), routed away, put into another group (IGROUPR) or switched "
        "off (GICD_CTLR), until it leaves its guest",
        "such a write kicks nobody; a guest that must be sure polls RWP, which reads as 0",
        "Linux vgic_mmio_write_cenable, _cpending, _irouter, _v3_misc (7.2)",
    ),
    Excuse(
        ("G2",),
        "in 4.14 an interrupt comes in whatever group its guest has put it",
        "writes of IGROUPR are ignored until 4.19",
        "Linux vgic_mmio_write_wi (4.14)",
    ),
    Excuse(
        ("G1",),
        "ISPENDR reads as 0 for what another VCPU has pending in a List Register",
        "the flush takes the latch of an edge, and a read halts nobody",
        "Linux vgic_mmio_read_pending, vgic_v3_populate_lr (7.2)",
    ),
    Excuse(
        ("G1",),
        "in 4.14 ISACTIVER of an SPI, or of another VCPU, reads as it was folded last",
        "reads halt the guests only since 9a50ebbffa98",
        "Linux 9a50ebbffa98",
    ),
    Excuse(
        ("G1",),
        "ISPENDR of a timer's PPI is not compared",
        "its line is a comparison with a count that goes on while the register is read",
        "IHI0069 GICR_ISPENDR0; DDI0487 CNTV_CTL_EL0.ISTATUS",
    ),
    Excuse(
        ("G1",),
        "ISPENDR reads as 1 for a level with a resamplefd whose device is silent",
        "KVM holds the line from the irqfd's signal to the fold that finds the interrupt ended",
        "Linux irqfd_resampler_ack, vgic_v3_fold_lr (7.2)",
    ),
    Excuse(
        ("G3",),
        "a level device's interrupt is shown once although its line has fallen",
        "a rising edge of a mapped line is noted, and its fall only when it has been shown",
        "Linux e40cc57bac79",
    ),
    Excuse(
        ("G3",),
        "nothing is said with gic_messages=lagging of a level device",
        "a line may fall at the distributor after the deactivation that its driver sent behind it",
        "IHI0069 1.2.1 (level-sensitive interrupts)",
    ),
    Excuse(
        ("G6",),
        "with gic_messages=lagging a level that has fallen stays active, taken by the host, where "
        "its guest takes none any more",
        "a line may fall at the distributor after the deactivation that its driver sent behind it",
        "IHI0069 1.2.1 (level-sensitive interrupts)",
    ),
    Excuse(
        ("G6",),
        "nothing is said where KVM polls the distributor for the guest's deactivations",
        "it errs there, as the document that this follows does (museum 57)",
        "Documentation/virtual/kvm/arm/vgic-mapped-irqs.txt (4.3)",
    ),
    Excuse(
        ("G7",),
        "another VCPU's deactivation, or a route that is changed, kicks nobody",
        "the VCPU that runs is left to find it at its next exit; if it sleeps, that is finding F8",
        "Linux vgic_v3_deactivate, vgic_mmio_write_irouter (7.2)",
    ),
    Excuse(
        ("G15",),
        "since 2025 something less urgent comes between two senders of a GICv2's SGI",
        "each sender has a List Register in its turn, and nothing is kept back for that any more",
        "Linux vgic_flush_lr_state, its comment (7.2); before, 16ca6a607d84",
    ),
    Excuse(
        ("G7", "G8"),
        "in 4.14 what is less urgent than a GICv2's SGI of several senders waits for all of them",
        "it gets no List Register before; the end of each makes its guest exit",
        "Linux 16ca6a607d84, vgic_flush_lr_state",
    ),
    Excuse(
        ("G8",),
        "with gic_messages=lagging a busy guest may stay time after time with its timer due",
        "a line may rise at the distributor at any later time",
        "IHI0069 1.2.1 (level-sensitive interrupts)",
    ),
)


def reads_memory(era: str, f: facts.RegisterRead, *, own: bool) -> bool:
    """Tell whether the value read is KVM's, and another VCPU's List Registers may have another.

    ``own`` says that it is the interrupt of the VCPU that reads, or an SPI that goes to it: its
    List Registers are read back.
    """
    if own:
        return False
    return not f.value if f.register == "ispendr" else era == "v4.14"
