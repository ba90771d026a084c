"""A guest: a bounded program on one VCPU, and where it is in it.

The program is data; the state is a position and a few counters, so that it can be hashed. Its
interrupt handler is a driver's: acknowledge, silence the device, complete.
"""

from collections.abc import Callable

import msgspec

from model.facts import Fact, GuestMask
from model.part import Part

__all__ = [
    "ACTIVATE",
    "AWAIT",
    "CNTP_CTL",
    "CNTP_TVAL",
    "DEACTIVATE",
    "DISABLE",
    "ENABLE",
    "HALT",
    "IDLE",
    "MASK",
    "MMIO",
    "NOTHING",
    "PEND",
    "PIDLE",
    "PMR",
    "PTIMER",
    "PTIMER_OFF",
    "READ_ACTIVE",
    "READ_PENDING",
    "SERVE",
    "SGI",
    "SPIN",
    "TARGET",
    "TIMER",
    "TIMER_OFF",
    "TVAL",
    "UNPEND",
    "USER",
    "WAIT",
    "WAKE_SGI",
    "WORK",
    "Guest",
    "GuestVm",
    "Instruction",
]

TIMER, TIMER_OFF, IDLE, SPIN, WORK, MASK, PMR, USER, HALT, WAIT, SERVE, AWAIT, SGI = range(13)
ENABLE, DISABLE, PEND, UNPEND, ACTIVATE, DEACTIVATE, TARGET, READ_PENDING, READ_ACTIVE = range(
    13, 22
)
PTIMER, PTIMER_OFF, PIDLE, TVAL = range(22, 26)
MMIO = range(ENABLE, READ_ACTIVE + 1)
"""The instructions that are accesses to the emulated distributor or redistributor."""

CNTP_TVAL, CNTP_CTL = -2, -3
"""Codes of trapped writes to the physical timer, whose value is ``a``; they are no line."""

WAKE_SGI = 0
"""The SGI by which a guest's CPU wakes another (Linux: IPI_RESCHEDULE)."""


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """One line of a guest program: what it does, and up to two numbers.

    ============ =======================================================================
    TIMER        program the timer to fire in ``a`` ns (two register writes)
    TIMER_OFF    disable the timer
    IDLE         mask interrupts and WFI until ``a`` timer interrupts have been handled
    SPIN         execute up to ``b`` instructions, or until ``a`` timer interrupts were handled
    WORK         execute ``a`` instructions
    MASK         set (1) or clear (0) PSTATE.I
    PMR          write ``a`` to the priority mask
    USER         an access that KVM hands to user space
    HALT         finish
    WAIT         WFI until the passthrough devices forwarded to it have been served for good
    SERVE        WFI until all devices have been, and nothing is left to be deactivated
    AWAIT        WFI until vINTID ``a`` has been handled at least once
    SGI          send SGI ``a`` to VCPU ``b`` (a trap)
    ENABLE ...   write GICD_ISENABLER (ICENABLER, ISPENDR, ICPENDR, ISACTIVER, ICACTIVER) for
                 vINTID ``a`` (a trap)
    TARGET       route SPI ``a`` to VCPU ``b`` (a trap)
    PTIMER       program the physical timer to fire in ``a`` ns (two traps: TVAL, then CTL)
    PTIMER_OFF   disable it (a trap)
    PIDLE        as IDLE, for interrupts of the physical timer
    TVAL         as TIMER, by TVAL instead of CVAL
    READ_PENDING read GICD_ISPENDR (READ_ACTIVE: ISACTIVER) for vINTID ``a`` (a trap)
    ============ =======================================================================
    """

    code: int
    a: int = 0
    b: int = 0


NOTHING = Instruction(WORK)
"""No access traps."""


class Guest(Part):
    """The state of the guest on one VCPU.

    ``pc`` and ``sub`` are its position in the program, ``isr`` its position in the handler (0: not
    in it), ``vintid`` what the handler acknowledged; ``stack`` has the (vintid, isr) of the
    handlers that it interrupted, the outermost first. ``irqs_masked`` is PSTATE.I, ``enabled`` the
    enable bit of its timer PPI as the guest set it, ``pmr`` its priority mask; ``taken`` counts
    handled timer interrupts and ``ptaken`` the physical timer's, ``seen`` has the vINTIDs handled
    so far, in order. ``deferred`` are vINTIDs whose priority was dropped and that are still to be
    deactivated here; ``trap`` is the access that KVM is to emulate. ``instructions`` is what it
    executed since the last entry.
    """

    FIELDS = (
        "pc",
        "sub",
        "isr",
        "vintid",
        "stack",
        "irqs_masked",
        "pmr",
        "enabled",
        "taken",
        "ptaken",
        "seen",
        "deferred",
        "trap",
        "instructions",
    )
    __slots__ = (*FIELDS, "emit", "program", "vcpu")

    emit: Callable[[Fact], object] | None

    def __init__(self, vcpu: int, program: tuple[Instruction, ...]) -> None:
        super().__init__()
        self.vcpu = vcpu
        self.emit = None
        self.program = program
        self.enabled = True
        self.start()

    def start(self) -> None:
        """Go to the first instruction, as after a reset.

        ``enabled`` stays as it is: it follows the redistributor, which is KVM's to reset.
        """
        self.pc = 0
        self.sub = 0
        self.isr = 0
        self.vintid = 0
        self.stack: tuple[tuple[int, int], ...] = ()
        self.irqs_masked = False
        self.pmr = 0xF0
        self.taken = 0
        self.ptaken = 0
        self.seen: tuple[int, ...] = ()
        self.deferred: tuple[int, ...] = ()
        self.trap = NOTHING
        self.instructions = 0

    def say_mask(self) -> None:
        """Say what the guest lets through now: PSTATE.I, PMR, its timer's enable bit."""
        if self.emit is not None:
            self.emit(GuestMask(self.vcpu, self.irqs_masked, self.pmr, self.enabled))


class GuestVm(Part):
    """What the guests of the VM share in memory.

    ``deferred`` are SPIs (vINTID, and the VCPU that shall deactivate it) whose priority another
    VCPU has dropped.
    """

    FIELDS = ("deferred",)
    __slots__ = FIELDS

    def __init__(self) -> None:
        super().__init__()
        self.deferred: tuple[tuple[int, int], ...] = ()
