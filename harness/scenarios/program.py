"""Guest programs: lines of text to instructions (``model.guest``).

What there is to write is in ``harness.scenarios.instructions``. A line is one instruction, its
numbers decimal, or 0x and hexadecimal; a block, ``repeat N`` or ``if-acked V``, ends with ``end``.
Blocks become jumps: a compiled program is a flat tuple, and a guest's position in it a number. A
``halt`` is added at the end; behind it stands the handler, if it is a program, and a ``return``.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from harness.errors import UsageError
from harness.scenarios.instructions import END, Entry, entries, entry_of
from model.guest import (
    AGAIN,
    HALT,
    IDLE,
    IF_ACKED,
    PIDLE,
    PTIMER,
    REPEAT,
    RETURN,
    TIMER,
    TVAL,
    Instruction,
)

__all__ = ["FORMS", "LINES_MAX", "check_waits", "compile_line", "compile_program"]

LINES_MAX = 200
DEPTH_MAX = 8
"""So many blocks may stand in each other."""
FORMS: Final[dict[str, str]] = {}
"""How each instruction is written, by its first word."""
for _entry in entries():
    _known = FORMS.get(_entry.words[0])
    FORMS[_entry.words[0]] = _entry.form if _known is None else f"{_known} or {_entry.form}"


def compile_program(
    lines: Sequence[str], where: str, handler: Sequence[str] | None = None
) -> tuple[Instruction, ...]:
    """Compile a program, and add a ``halt``; behind that its handler, if it has one of its own.

    Args:
        lines: one instruction each, at most 200.
        where: what the program is part of, as it begins a message.
        handler: the lines of its interrupt handler, None for the driver's.

    Raises:
        UsageError: the line that is wrong, and the form that was expected.
    """
    program = compile_lines(lines, where, "program", 0)
    program.append(Instruction(HALT))
    if handler is not None:
        program += compile_lines(handler, where, "handler", len(program))
        program.append(Instruction(RETURN))
    return tuple(program)


def compile_lines(lines: Sequence[str], where: str, what: str, base: int) -> list[Instruction]:
    """Compile lines that begin at position ``base``.

    Raises:
        UsageError: a line is wrong, a block is not closed, or there are too many of either.
    """
    if len(lines) > LINES_MAX:
        raise UsageError(f"{where}: the {what} has {len(lines)} lines, at most {LINES_MAX}")
    program: list[Instruction] = []
    begun: list[tuple[int, int]] = []
    for n, line in enumerate(lines, 1):
        place = f"{where}, {what} line {n}"
        entry, instruction = compile_line(line, place)
        if instruction is not None:
            if instruction.code in (IF_ACKED, REPEAT):
                begun.append((len(program), n))
                if len(begun) > DEPTH_MAX:
                    raise UsageError(f"{place}: {line!r}: more than {DEPTH_MAX} blocks, nested")
            program.append(instruction)
        elif entry is END:
            if not begun:
                raise UsageError(f"{place}: {line!r}: no block is open; expected fewer of them")
            at, _ = begun.pop()
            if program[at].code == REPEAT:
                program.append(Instruction(AGAIN, base + at + 1))
            else:
                program[at] = msgspec.structs.replace(program[at], b=base + len(program))
    if begun:
        n = begun[-1][1]
        raise UsageError(
            f"{where}, {what} line {n}: {lines[n - 1]!r}: the block has no 'end'; expected one"
        )
    return program


def compile_line(line: str, where: str) -> tuple[Entry, Instruction | None]:
    """Compile one line, such as "timer 10"; numbers are decimal, or 0x and hexadecimal.

    Returns:
        its entry in the registry, and the instruction; None for the end of a block.

    Raises:
        UsageError: there is no such instruction, or its arguments are not of its form or range.
    """
    words = line.split()
    entry = entry_of(words)
    if entry is None:
        verb = words[0] if words else ""
        if verb in FORMS:
            raise UsageError(f"{where}: {line!r}: expected {FORMS[verb]}")
        expected = ", ".join(FORMS)
        raise UsageError(f"{where}: {line!r}: unknown instruction, expected one of: {expected}")
    given = words[len(entry.words) :]
    least = sum(not x.optional for x in entry.args)
    error = UsageError(f"{where}: {line!r}: expected {FORMS[words[0]]}")
    if not least <= len(given) <= len(entry.args):
        raise error
    try:
        numbers = [int(each, 0) for each in given]
    except ValueError:
        raise error from None
    if entry.fixed is None:
        return entry, None
    fields = {x.field: x.default for x in entry.args}
    for arg, number in zip(entry.args, numbers, strict=False):
        if not arg.low <= number <= arg.high:
            raise UsageError(f"{where}: {line!r}: the number must be {arg.low} to {arg.high}")
        fields[arg.field] = number
    return entry, msgspec.structs.replace(entry.fixed, **fields)


def check_waits(
    lines: Sequence[str],
    where: str,
    programmed: tuple[bool, bool] = (False, False),
    handler: Sequence[str] | None = None,
) -> None:
    """Refuse a guest that waits for interrupts which nobody asked for: it sleeps for ever.

    A handler of its own, or one more turn of a loop, may ask for any number of them.

    Args:
        lines: the program.
        where: what it is part of.
        programmed: whether user space has programmed its virtual and its physical timer.
        handler: the lines of its own handler, None if it has none.

    Raises:
        UsageError: an ``idle N`` or ``pidle N`` with fewer than N timers programmed before it.
    """
    timers = {IDLE: int(programmed[0]), PIDLE: int(programmed[1])}
    waits = {TIMER: IDLE, TVAL: IDLE, PTIMER: PIDLE}
    compiled = [compile_line(line, where)[1] for line in lines]
    loops = any(i is not None and i.code == REPEAT for i in compiled)
    if handler or loops:
        return
    for n, (line, instruction) in enumerate(zip(lines, compiled, strict=True), 1):
        if instruction is None:
            continue
        code = instruction.code
        if code in waits:
            timers[waits[code]] += 1
        if code in timers and instruction.a > timers[code]:
            verb = "timer" if code == IDLE else "ptimer"
            raise UsageError(
                f"{where}, program line {n}: {line!r} waits for {instruction.a} {verb} "
                f"interrupts, but only {timers[code]} '{verb} NS' lines come before it"
            )
