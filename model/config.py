"""Sizes and knobs of a machine, and what is asked of a whole configuration."""

import msgspec

from model.device import Forward
from model.gic.registers import SGIS
from model.guest import (
    AWAIT,
    DIR,
    EOI,
    GROUP,
    MMIO,
    PTIMER as PTIMER_ON,
    PTIMER_OFF,
    READ_PTIMER,
    SGI,
    TARGET,
    WAKE_SGI,
    Instruction,
)
from model.vgic.irq import PRIORITY

__all__ = ["COUNTERS", "GIC_MESSAGES", "HOSTS", "IPIS", "Config"]

GIC_MESSAGES = ("queued", "synchronous", "lagging")
COUNTERS = ("runs", "stops")
IPIS = ("at-once", "queued", "lossy")
HOSTS = ("nvhe", "vhe")


class Config(msgspec.Struct, frozen=True):
    """Sizes and knobs of a machine. Times are in virtual nanoseconds."""

    pcpus: int = 1
    vcpus: int = 1
    lrs: int = 4
    gic_version: int = 3
    eoimode: int = 0
    gic_messages: str = "queued"
    gic_lag: int = 1
    lr_on_guest_deactivate: str = "arch"
    tdir: bool = True
    """Whether the CPUs can trap a guest's DIR alone (ICH_VTR_EL2.TDS)."""
    posted_writes: bool = False
    """Whether a CPU's writes to ISACTIVER take effect later, unless they are read back."""
    masks: bool = False
    """Whether the host holds the timer's interrupt back by masking it, for want of an active state
    that a guest could end (irq_chip of arch_timer.c; Apple's AIC, seL4)."""
    counter: str = "runs"
    """What the guests' counter does while a VM is saved: one of ``COUNTERS``."""
    ipis: str = "at-once"
    """How the host's SGIs to its own CPUs travel: one of ``IPIS``."""
    host: str = "nvhe"
    """Where the host's kernel runs: one of ``HOSTS``, at EL1 or at EL2 (VHE, HCR_EL2.E2H)."""
    devices: tuple[tuple[int, int], ...] = ()
    """Host devices: the SPI of each, and how many edges it may send in an execution."""
    forwards: tuple[Forward, ...] = ()
    """Passthrough devices."""
    handler: int = 0
    """How many instructions a guest's handler executes before it completes the interrupt."""
    eoi_first: bool = False
    """Whether guests complete an interrupt before they silence its device."""
    twice: int = -1
    """The vINTID that guests' handlers deactivate a second time, as they must not (-1: none)."""
    nested: bool = False
    """Whether guests let interrupts of higher priority into their handlers."""
    deactivate: str = "handler"
    """Who deactivates in EOImode 1: "handler", "later" (any order) or "other" (another VCPU)."""
    timer_priority: int = PRIORITY
    sgi_priority: int = PRIORITY
    programs: tuple[tuple[Instruction, ...], ...] = ()
    timers: tuple[tuple[int, int], ...] = ()
    """When the virtual and the physical timer fire that user space programmed for each VCPU before
    it runs, in ns from then on (-1: it is off; empty: all are)."""

    def sgis(self) -> tuple[int, ...]:
        """Return the SGIs that guests may send, in order."""
        named = (SGI, AWAIT, EOI, DIR, *MMIO)
        sent = {i.a for p in self.programs for i in p if i.code in named and 0 <= i.a < SGIS}
        if self.wakes:
            sent.add(WAKE_SGI)
        return tuple(sorted(sent))

    @property
    def ptimer(self) -> bool:
        """Whether guests use the physical timer, in hardware or as KVM emulates it."""
        return any(physical >= 0 for _, physical in self.timers) or any(
            i.code in (PTIMER_ON, PTIMER_OFF, READ_PTIMER)
            for program in self.programs
            for i in program
        )

    @property
    def direct_ptimer(self) -> bool:
        """Whether guests have the physical timer in hardware (get_timer_map, has_vhe).

        The host has then the EL2 physical timer for itself, and leaves that of EL1 to guests.
        """
        return self.host == "vhe" and self.ptimer

    @property
    def toggles_groups(self) -> bool:
        """Whether guests disable their interrupt group, which KVM asks to be told of."""
        return any(i.code == GROUP for program in self.programs for i in program)

    @property
    def wakes(self) -> bool:
        """Whether a guest's handler may have to wake another VCPU: what it waits for was done."""
        moves = any(i.code == TARGET for program in self.programs for i in program)
        return self.vcpus > 1 and (self.deactivate == "other" or moves)
