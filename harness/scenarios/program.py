"""Guest programs: lines of text to instructions (``model.guest``).

====================== =======================================================================
``timer NS``           program the virtual timer to fire in NS nanoseconds
``timer off``          disable it
``tval NS``            the same, by its TVAL register
``idle N``             WFI until N timer interrupts have been handled in all
``ptimer NS``          program the physical timer (two traps); ``ptimer off`` disables it
``pidle N``            WFI until N interrupts of the physical timer have been handled in all
``spin N MAX``         execute until N timer interrupts were handled, at most MAX instructions
``work N``             execute N instructions
``irqs off|on``        mask or unmask interrupts (PSTATE.I)
``pmr P``              write the priority mask (``0xF0`` lets everything through, ``0`` nothing)
``ppi off|on``         disable or enable the timer's PPI at the redistributor (a trap)
``user``               an access that KVM hands to user space
``wait``               WFI until the devices forwarded to this VCPU have been served for good
``serve``              WFI until all devices have, and no other VCPU left anything to deactivate
``await V``            WFI until vINTID V has been handled at least once
``sgi N VCPU``         send SGI N to a VCPU
``enable V`` ...       write GICD_ISENABLER for vINTID V; likewise ``disable``, ``pend``,
                       ``unpend``, ``activate``, ``deactivate`` (all trap)
``target V VCPU``      route SPI V to a VCPU (a trap)
``read pending V``     read GICD_ISPENDR, or with ``read active`` GICD_ISACTIVER (a trap)
====================== =======================================================================

A ``halt`` is added at the end.
"""

from collections.abc import Sequence

from harness.errors import UsageError
from model.guest import (
    ACTIVATE,
    AWAIT,
    DEACTIVATE,
    DISABLE,
    ENABLE,
    HALT,
    IDLE,
    MASK,
    PEND,
    PIDLE,
    PMR,
    PTIMER,
    PTIMER_OFF,
    READ_ACTIVE,
    READ_PENDING,
    SERVE,
    SGI,
    SPIN,
    TARGET,
    TIMER,
    TIMER_OFF,
    TVAL,
    UNPEND,
    USER,
    WAIT,
    WORK,
    Instruction,
)
from model.timer import VTIMER_PPI

__all__ = ["check_waits", "compile_program"]

FORMS = {
    "timer": "timer NS or timer off",
    "idle": "idle N",
    "spin": "spin N MAX",
    "work": "work N",
    "tval": "tval NS",
    "ptimer": "ptimer NS or ptimer off",
    "pidle": "pidle N",
    "irqs": "irqs off or irqs on",
    "pmr": "pmr P (0 to 0xFF)",
    "ppi": "ppi off or ppi on",
    "user": "user",
    "wait": "wait",
    "serve": "serve",
    "await": "await V (0 to 1019)",
    "sgi": "sgi N VCPU (N 0 to 15)",
    "enable": "enable V (0 to 1019)",
    "disable": "disable V (0 to 1019)",
    "pend": "pend V (0 to 1019)",
    "unpend": "unpend V (0 to 1019)",
    "activate": "activate V (0 to 1019)",
    "deactivate": "deactivate V (0 to 1019)",
    "target": "target V VCPU (V 32 to 1019)",
    "read": "read pending V or read active V",
}
LIMITS = {"timer": 1_000_000_000, "idle": 1_000, "spin": 1_000, "work": 1_000, "pmr": 0xFF}
LIMITS |= {"tval": LIMITS["timer"], "ptimer": LIMITS["timer"], "pidle": LIMITS["idle"]}
LIMITS |= dict.fromkeys(
    ("await", "enable", "disable", "pend", "unpend", "activate", "deactivate", "target", "read"),
    1019,
)
LIMITS["sgi"] = 15
CODES = {"timer": TIMER, "idle": IDLE, "spin": SPIN, "work": WORK, "pmr": PMR, "await": AWAIT}
CODES |= {"tval": TVAL, "ptimer": PTIMER, "pidle": PIDLE}
CODES |= {"sgi": SGI, "enable": ENABLE, "disable": DISABLE, "pend": PEND, "unpend": UNPEND}
CODES |= {"activate": ACTIVATE, "deactivate": DEACTIVATE, "target": TARGET}
OFF = {"timer": TIMER_OFF, "ptimer": PTIMER_OFF}
PLAIN = {"user": USER, "wait": WAIT, "serve": SERVE}
SWITCHES = {
    "irqs": {"off": Instruction(MASK, 1), "on": Instruction(MASK, 0)},
    "ppi": {"off": Instruction(DISABLE, VTIMER_PPI), "on": Instruction(ENABLE, VTIMER_PPI)},
}
READS = {"pending": READ_PENDING, "active": READ_ACTIVE}
VCPU_MAX = 31
"""The highest number of a VCPU (the scenario's size is checked apart)."""
LINES_MAX = 200


def compile_program(lines: Sequence[str], where: str) -> tuple[Instruction, ...]:
    """Compile a program, and add a ``halt``.

    Args:
        lines: one instruction each, at most 200.
        where: what the program is part of, as it begins a message.

    Raises:
        UsageError: the line that is wrong, and the form that was expected.
    """
    if len(lines) > LINES_MAX:
        raise UsageError(f"{where}: the program has {len(lines)} lines, at most {LINES_MAX}")
    program = [compile_line(line, f"{where}, program line {n}") for n, line in enumerate(lines, 1)]
    return (*program, Instruction(HALT))


def check_waits(
    lines: Sequence[str], where: str, programmed: tuple[bool, bool] = (False, False)
) -> None:
    """Refuse a guest that waits for interrupts which nobody asked for: it sleeps for ever.

    Args:
        lines: the program.
        where: what it is part of.
        programmed: whether user space has programmed its virtual and its physical timer.

    Raises:
        UsageError: an ``idle N`` or ``pidle N`` with fewer than N timers programmed before it.
    """
    timers = {IDLE: int(programmed[0]), PIDLE: int(programmed[1])}
    waits = {TIMER: IDLE, TVAL: IDLE, PTIMER: PIDLE}
    for n, line in enumerate(lines, 1):
        instruction = compile_line(line, where)
        code = instruction.code
        if code in waits:
            timers[waits[code]] += 1
        if code in timers and instruction.a > timers[code]:
            verb = "timer" if code == IDLE else "ptimer"
            raise UsageError(
                f"{where}, program line {n}: {line!r} waits for {instruction.a} {verb} "
                f"interrupts, but only {timers[code]} '{verb} NS' lines come before it"
            )


def compile_line(line: str, where: str) -> Instruction:
    """Compile one line, such as "timer 10"; numbers are decimal, or 0x and hexadecimal.

    Raises:
        UsageError: there is no such instruction, or its arguments are not of its form or range.
    """
    words = line.split()
    verb = words[0] if words else ""
    if verb not in FORMS:
        expected = ", ".join(FORMS)
        raise UsageError(f"{where}: {line!r}: unknown instruction, expected one of: {expected}")
    args = words[1:]
    error = UsageError(f"{where}: {line!r}: expected {FORMS[verb]}")
    if verb in PLAIN and not args:
        return Instruction(PLAIN[verb])
    if verb in SWITCHES and len(args) == 1:
        if args[0] not in SWITCHES[verb]:
            raise error
        return SWITCHES[verb][args[0]]
    if verb in OFF and args == ["off"]:
        return Instruction(OFF[verb])
    code = CODES.get(verb)
    if verb == "read" and args:
        code, args = READS.get(args[0]), args[1:]
    if code is None or len(args) != (2 if verb in ("spin", "sgi", "target") else 1):
        raise error
    try:
        numbers = [int(arg, 0) for arg in args]
    except ValueError:
        raise error from None
    low = {"work": 1, "target": 32}.get(verb, 0)
    most = [LIMITS[verb], VCPU_MAX if verb in ("sgi", "target") else LIMITS[verb]]
    for number, least, limit in zip(numbers, (low, 0), most, strict=False):
        if not least <= number <= limit:
            raise UsageError(f"{where}: {line!r}: the number must be {least} to {limit}")
    return Instruction(code, *numbers)
