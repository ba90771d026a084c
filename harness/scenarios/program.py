"""Guest programs: lines of text to instructions (``model.guest``).

================  =============================================================================
``timer NS``      program the virtual timer to fire in NS nanoseconds
``timer off``     disable it
``idle N``        WFI until N timer interrupts have been handled in all
``spin N MAX``    execute until N were handled, at most MAX instructions
``work N``        execute N instructions
``irqs off|on``   mask or unmask interrupts (PSTATE.I)
``pmr P``         write the priority mask (``0xF0`` lets everything through, ``0`` nothing)
``ppi off|on``    disable or enable the timer's PPI at the redistributor (a trap)
``user``          an access that KVM hands to user space
``wait``          WFI until all passthrough devices of this guest have been served for good
================  =============================================================================

A ``halt`` is added at the end.
"""

from collections.abc import Sequence

from harness.errors import UsageError
from model.guest import (
    HALT,
    IDLE,
    MASK,
    PMR,
    PPI,
    SPIN,
    TIMER,
    TIMER_OFF,
    USER,
    WAIT,
    WORK,
    Instruction,
)

__all__ = ["check_waits", "compile_program"]

FORMS = {
    "timer": "timer NS or timer off",
    "idle": "idle N",
    "spin": "spin N MAX",
    "work": "work N",
    "irqs": "irqs off or irqs on",
    "pmr": "pmr P (0 to 0xFF)",
    "ppi": "ppi off or ppi on",
    "user": "user",
    "wait": "wait",
}
LIMITS = {"timer": 1_000_000_000, "idle": 1_000, "spin": 1_000, "work": 1_000, "pmr": 0xFF}
LINES_MAX = 200


def compile_program(lines: Sequence[str], where: str) -> tuple[Instruction, ...]:
    """Compile a program.

    Raises:
        UsageError: the line that is wrong, and the form that was expected.

    """
    if len(lines) > LINES_MAX:
        raise UsageError(f"{where}: the program has {len(lines)} lines, at most {LINES_MAX}")
    program = [compile_line(line, f"{where}, program line {n}") for n, line in enumerate(lines, 1)]
    return (*program, Instruction(HALT))


def check_waits(lines: Sequence[str], where: str) -> None:
    """Refuse a guest that waits for interrupts which it never asked for: it sleeps for ever."""
    timers = 0
    for n, line in enumerate(lines, 1):
        instruction = compile_line(line, where)
        timers += instruction.code == TIMER
        if instruction.code == IDLE and instruction.a > timers:
            raise UsageError(
                f"{where}, program line {n}: {line!r} waits for {instruction.a} timer "
                f"interrupts, but only {timers} 'timer NS' lines come before it"
            )


def compile_line(line: str, where: str) -> Instruction:
    """Compile one line."""
    words = line.split()
    verb = words[0] if words else ""
    if verb not in FORMS:
        expected = ", ".join(FORMS)
        raise UsageError(f"{where}: {line!r}: unknown instruction, expected one of: {expected}")
    args = words[1:]
    error = UsageError(f"{where}: {line!r}: expected {FORMS[verb]}")
    if verb in ("user", "wait") and not args:
        return Instruction(USER if verb == "user" else WAIT)
    switches = {"irqs": (MASK, {"off": 1, "on": 0}), "ppi": (PPI, {"off": 0, "on": 1})}
    if verb in switches and len(args) == 1:
        code, values = switches[verb]
        if args[0] not in values:
            raise error
        return Instruction(code, values[args[0]])
    if verb == "timer" and args == ["off"]:
        return Instruction(TIMER_OFF)
    codes = {"timer": TIMER, "idle": IDLE, "spin": SPIN, "work": WORK, "pmr": PMR}
    if verb not in codes or len(args) != (2 if verb == "spin" else 1):
        raise error
    try:
        numbers = [int(arg, 0) for arg in args]
    except ValueError:
        raise error from None
    if any(not 0 <= n <= LIMITS[verb] for n in numbers) or (verb == "work" and not numbers[0]):
        low = 1 if verb == "work" else 0
        raise UsageError(f"{where}: {line!r}: the number must be {low} to {LIMITS[verb]}")
    return Instruction(codes[verb], *numbers)
