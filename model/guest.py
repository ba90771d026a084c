"""A guest: a bounded program on one VCPU, and where it is in it.

The program is data; the state is a position and a few counters, so that it can be hashed. Its
interrupt handler is a driver's: acknowledge, silence the device, complete.
"""

import msgspec

from model.part import Part

__all__ = [
    "HALT",
    "IDLE",
    "MASK",
    "PMR",
    "PPI",
    "SPIN",
    "TIMER",
    "TIMER_OFF",
    "USER",
    "WAIT",
    "WORK",
    "Guest",
    "Instruction",
]

TIMER, TIMER_OFF, IDLE, SPIN, WORK, MASK, PMR, PPI, USER, HALT, WAIT = range(11)


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """One line of a guest program: what it does, and up to two numbers.

    ========= ==========================================================================
    TIMER     program the timer to fire in ``a`` ns (two register writes)
    TIMER_OFF disable the timer
    IDLE      mask interrupts and WFI until ``a`` timer interrupts have been handled
    SPIN      execute up to ``b`` instructions, or until ``a`` interrupts were handled
    WORK      execute ``a`` instructions
    MASK      set (1) or clear (0) PSTATE.I
    PMR       write ``a`` to the priority mask
    PPI       disable (0) or enable (1) the timer's PPI at the (emulated) redistributor
    USER      an access that KVM hands to user space
    HALT      finish
    WAIT      WFI until all its passthrough devices have been served for good
    ========= ==========================================================================
    """

    code: int
    a: int = 0
    b: int = 0


class Guest(Part):
    """The state of a guest.

    ``pc`` and ``sub`` are its position in the program, ``isr`` its position in the handler (0: not
    in it), ``vintid`` what the handler acknowledged. ``irqs_masked`` is PSTATE.I, ``enabled`` the
    enable bit of its timer PPI as the guest set it, ``pmr`` its priority mask; ``taken`` counts
    handled timer interrupts; ``handler`` is how many instructions its handler executes between
    silencing the device and completing the interrupt (``eoi_first``: it completes first);
    ``instructions`` what it executed since the last entry.
    """

    __slots__ = (
        "enabled",
        "eoi_first",
        "handler",
        "instructions",
        "irqs_masked",
        "isr",
        "pc",
        "pmr",
        "program",
        "sub",
        "taken",
        "vintid",
    )
    FIELDS = (
        "pc",
        "sub",
        "isr",
        "vintid",
        "irqs_masked",
        "pmr",
        "enabled",
        "taken",
        "instructions",
    )

    def __init__(
        self, program: tuple[Instruction, ...], handler: int = 0, *, eoi_first: bool = False
    ) -> None:
        super().__init__()
        self.eoi_first = eoi_first
        self.handler = handler
        self.program = program
        self.pc = 0
        self.sub = 0
        self.isr = 0
        self.vintid = 0
        self.irqs_masked = False
        self.pmr = 0xF0
        self.enabled = True
        self.taken = 0
        self.instructions = 0
