"""A guest: a bounded program on one VCPU, and where it is in it.

The program is data; the state is a position and a few counters, so that it can be hashed. Its
interrupt handler is a driver's: acknowledge, silence the device, complete.
"""

from collections.abc import Callable

import msgspec

from model.facts import Fact, GuestMask, NeverAcknowledges
from model.gic.registers import SPURIOUS
from model.part import Part

__all__ = [
    "ACTIVATE", "AGAIN", "AWAIT", "BPR", "CNTP_CTL", "CNTP_TVAL", "CPU_OFF", "DEACTIVATE", "DIR",
    "DISABLE", "DIST", "DRIVER", "ENABLE", "EOI", "GROUP", "HALT", "IAR", "IDLE", "IF_ACKED",
    "LPIS", "MASK", "MMIO", "NOTHING", "PEND", "PIDLE", "PMR", "PTIMER", "PTIMER_OFF",
    "READ_ACTIVE", "READ_CPU", "READ_DIST", "READ_ENABLED", "READ_PENDING", "READ_PRIORITY",
    "READ_PTIMER", "READ_TARGET", "READ_VTIMER", "REGISTERS", "REPEAT", "RETURN", "SERVE",
    "SET_GROUP", "SET_PRIORITY", "SGI", "SILENCE", "SPIN", "TARGET", "TIMER", "TIMER_OFF", "TVAL",
    "UNPEND", "USER", "WAIT", "WAKE_SGI", "WFI", "WORK", "Guest", "GuestVm", "Instruction",
]  # fmt: skip

TIMER, TIMER_OFF, IDLE, SPIN, WORK, MASK, PMR, USER, HALT, WAIT, SERVE, AWAIT, SGI = range(13)
ENABLE, DISABLE, PEND, UNPEND, ACTIVATE, DEACTIVATE, TARGET, READ_PENDING, READ_ACTIVE = range(
    13, 22
)
PTIMER, PTIMER_OFF, PIDLE, TVAL = range(22, 26)
WFI, IAR, EOI, DIR, SILENCE, BPR, GROUP, IF_ACKED, REPEAT, AGAIN, RETURN = range(26, 37)
SET_PRIORITY, READ_ENABLED, READ_TARGET, READ_PRIORITY = range(37, 41)
READ_CPU, READ_VTIMER, READ_PTIMER = range(41, 44)
DIST, READ_DIST = range(44, 46)
CPU_OFF = 46
LPIS = 47
SET_GROUP = 48
MMIO = (*range(ENABLE, READ_ACTIVE + 1), *range(SET_PRIORITY, READ_PRIORITY + 1), SET_GROUP)
"""The instructions that are accesses to the emulated distributor or redistributor."""

REGISTERS = (
    "rpr", "hppir", "cntv_ctl", "cntv_cval", "cntv_tval", "cntp_ctl", "cntp_cval", "cntp_tval",
)  # fmt: skip
"""The registers of the CPU interface and of the timers that a guest reads, by number."""

CNTP_TVAL, CNTP_CTL = -2, -3
"""Codes of trapped writes to the physical timer, whose value is ``a``; they are no line."""
DRIVER = -4
"""The code of a driver's access to the device of vINTID ``a`` that the VM monitor carries out."""

UNREAD_MAX = 32
"""A handler that is called so often, and reads no IAR, never will."""

WAKE_SGI = 0
"""The SGI by which a guest's CPU wakes another (Linux: IPI_RESCHEDULE)."""


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """One instruction of a guest: what it does, and up to three numbers.

    What each code does is said in ``harness.scenarios.instructions``, with the line of a program
    that it comes from. ``of`` is the VCPU whose redistributor is accessed (-1: its own). There is
    no line for these: HALT ends a program, and RETURN a handler. IF_ACKED goes to ``b`` unless
    what was acknowledged last is ``a``; REPEAT begins a loop of ``a`` turns, and AGAIN ends one,
    back to ``a``.
    """

    code: int
    a: int = 0
    b: int = 0
    of: int = -1


NOTHING = Instruction(WORK)
"""No access traps."""

ISR_IAR = 1
"""The handler's first position: what it will acknowledge is not known yet."""


class Waits(msgspec.Struct, frozen=True, gc=False):
    """What the rest of a program may still ask of what was handled.

    At most ``taken`` interrupts of the virtual timer and ``ptaken`` of the physical timer; and
    whether each of ``seen`` was handled.
    """

    taken: int = 0
    ptaken: int = 0
    seen: tuple[int, ...] = ()


def waits_of(program: tuple[Instruction, ...]) -> tuple[Waits, ...]:
    """Return what the rest of a program asks, from each of its instructions on.

    Where it can go back, or has a handler of its own, that is what any of it asks.
    """
    found = [Waits()]
    for each in reversed(program):
        rest = found[-1]
        taken, ptaken, seen = rest.taken, rest.ptaken, rest.seen
        if each.code in (IDLE, SPIN):
            taken = max(taken, each.a)
        elif each.code == PIDLE:
            ptaken = max(ptaken, each.a)
        elif each.code == AWAIT and each.a not in seen:
            seen = tuple(sorted((*seen, each.a)))
        found.append(Waits(taken, ptaken, seen))
    if any(each.code in (REPEAT, RETURN) for each in program):
        return tuple([found[-1]] * len(found))
    return tuple(reversed(found))


class Guest(Part):
    """The state of the guest on one VCPU.

    ``pc`` and ``sub`` are its position in the program, ``isr`` its position in the handler (0: not
    in it), ``vintid`` what the handler acknowledged; ``stack`` has the (vintid, isr) of the
    handlers that it interrupted, the outermost first. ``irqs_masked`` is PSTATE.I, ``enabled`` the
    enable bit of its timer PPI as the guest set it, ``pmr`` its priority mask; ``taken`` counts
    handled timer interrupts and ``ptaken`` the physical timer's, ``seen`` has the vINTIDs handled
    so far, in order. A handler that is a program begins at ``vector`` of the same program (-1: it
    is the driver's): ``frames`` has (pc, sub, loops, acked) of what it interrupted, the outermost
    first, ``loops`` how many turns are left of each loop it is in, ``acked`` what IAR read last,
    ``unread`` how many exceptions it has taken since then.
    ``deferred`` are vINTIDs whose priority was dropped and that are still to be
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
        "acked",
        "loops",
        "frames",
        "unread",
    )
    __slots__ = (*FIELDS, "emit", "program", "vcpu", "vector", "waits")

    emit: Callable[[Fact], object] | None

    def __init__(self, vcpu: int, program: tuple[Instruction, ...]) -> None:
        super().__init__()
        self.vcpu = vcpu
        self.emit = None
        self.program = program
        # Behind the HALT of the program is its handler.
        handler = [n for n, i in enumerate(program, 1) if i.code == HALT and n < len(program)]
        self.vector = handler[0] if handler else -1
        self.waits = waits_of(program)
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
        self.acked = SPURIOUS
        self.unread = 0
        self.loops: tuple[int, ...] = ()
        self.frames: tuple[tuple[int, int, tuple[int, ...], int], ...] = ()

    def in_handler(self) -> bool:
        """Tell whether it handles an interrupt."""
        return self.isr != 0 or self.frames != ()

    def excepted(self) -> None:
        """Count an interrupt exception; so many in a row without a read of IAR are a storm."""
        self.unread += 1
        if self.unread == UNREAD_MAX and self.emit is not None:
            self.emit(NeverAcknowledges(self.vcpu, self.unread))

    def canonical(self) -> object:
        """Without what its handler has not acknowledged yet, and counts beyond what is asked of.

        Of ``instructions`` only whether there were any matters. So what a guest does over and over
        again comes back to the same state.
        """
        waits = self.waits[self.pc]
        seen = self.seen
        return (
            self.pc,
            self.sub,
            self.isr,
            self.vintid if self.isr > ISR_IAR else 0,
            self.stack,
            self.irqs_masked,
            self.pmr,
            self.enabled,
            min(self.taken, waits.taken),
            min(self.ptaken, waits.ptaken),
            tuple([vintid for vintid in waits.seen if vintid in seen]) if seen else (),
            self.deferred,
            self.trap,
            1 if self.instructions else 0,
            self.acked,
            self.loops,
            self.frames,
            self.unread,
        )

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
