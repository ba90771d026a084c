"""Guest programs made shorter, line by line; their form is ``harness.scenarios.program``'s."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from harness.scenarios.instructions import BLOCKS as OPENING, END, Entry
from harness.scenarios.program import compile_line
from harness.scenarios.schema import VcpuSpec
from model.guest import Instruction

__all__ = [
    "fewer_lines", "fitting", "programmed", "smaller_numbers", "with_lines", "without_interrupt",
    "without_vcpu", "without_waits",
]  # fmt: skip

Lines = tuple[str, ...]

NOTHING: Final = "work 1"
"""What a guest does that has nothing to do."""
TIMERS: Final = {"timer": "idle", "tval": "idle", "ptimer": "pidle"}
"""Lines that program a timer, and those that wait for the interrupts of such timers."""
WAITS: Final = ("idle", "pidle", "wait", "serve", "await", "wfi")
BLOCKS: Final = tuple(entry.words[0] for entry in OPENING)


def with_lines(
    vcpu: VcpuSpec, lines: Sequence[str], handler: Sequence[str] | None = None
) -> VcpuSpec:
    """Return a VCPU with these lines, and those of its handler (None: as they are), if they fit.

    How often a loop or a handler asks for an interrupt cannot be told from their lines.
    """
    virtual, physical = vcpu.timer is not None, vcpu.ptimer is not None
    own = vcpu.handler is not None or any(opens(line) for line in lines)
    return msgspec.structs.replace(
        vcpu,
        program=tuple(lines)
        if own and lines
        else fitting(lines, virtual=virtual, physical=physical),
        handler=vcpu.handler if handler is None else tuple(handler),
    )


def fitting(lines: Sequence[str], *, virtual: bool = False, physical: bool = False) -> Lines:
    """Return a program that waits for no more interrupts than it asked for; never an empty one.

    Args:
        lines: the program.
        virtual: whether user space has programmed its virtual timer.
        physical: whether it has its physical timer.

    """
    timers = {"idle": int(virtual), "pidle": int(physical)}
    kept = []
    for line in lines:
        words = line.split()
        verb = words[0]
        if verb in TIMERS and words[1:] != ["off"]:
            timers[TIMERS[verb]] += 1
        if verb in timers and int(words[1], 0) > timers[verb]:
            if not timers[verb]:
                continue
            line = f"{verb} {timers[verb]}"  # noqa: PLW2901  # the line as it fits
        kept.append(line)
    return tuple(kept) or (NOTHING,)


def programmed(vcpu: VcpuSpec) -> Iterator[tuple[str, VcpuSpec]]:
    """Yield VCPUs one of whose timers user space programs, and not they: both at once or later.

    That is the timer of their first line of its kind; the way there is the shorter, as the guest
    need not run first.
    """
    for verbs, field in ((("timer", "tval"), "timer"), (("ptimer",), "ptimer")):
        now = getattr(vcpu, field)
        if now is not None:
            for ns in (None, *((0,) if now else ())):
                changed = msgspec.structs.replace(vcpu, **{field: ns})
                said = f"{field} {'off' if ns is None else ns} at the start"
                yield said, with_lines(changed, vcpu.program)
            continue
        for n, line in enumerate(vcpu.program):
            words = line.split()
            if words[0] in verbs and words[1:] != ["off"]:
                for ns in dict.fromkeys((0, int(words[1], 0))):
                    changed = msgspec.structs.replace(vcpu, **{field: ns})
                    lines = (*vcpu.program[:n], *vcpu.program[n + 1 :])
                    yield f"{field} {ns} at the start", with_lines(changed, lines)
                break


def fewer_lines(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Yield shorter programs, with what was left out: large parts first, then lines one by one."""
    size = len(lines)
    while size > 1:
        size = (size + 1) // 2
        for last in range(len(lines), 0, -size):
            first = max(last - size, 0)
            what = str(last) if last - first == 1 else f"{first + 1} to {last}"
            yield what, lines[:first] + lines[last:]
    yield from without_blocks(lines)
    for verb in dict.fromkeys(line.split()[0] for line in lines):
        left = tuple(line for line in lines if line.split()[0] != verb)
        if len(lines) - len(left) > 1:  # one alone was tried above
            yield verb, left


def smaller_numbers(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Yield programs that work and spin for less, and whose timers are due at once."""
    for n, line in enumerate(lines):
        words = line.split()
        if words[-1] == "off" or words[0] not in (*TIMERS, "work", "spin", "repeat"):
            continue
        count = int(words[-1], 0)
        numbers = (0,) if words[0] in TIMERS else (1, count // 2, count - 1)
        for less in dict.fromkeys(numbers):
            if numbers[0] <= less < count:
                changed = " ".join([*words[:-1], str(less)])
                yield f"line {n + 1}: {changed}", (*lines[:n], changed, *lines[n + 1 :])


def without_waits(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Yield programs that return to user space once instead of waiting: so no one has to sleep."""
    for n, line in enumerate(lines):
        if line.split()[0] in WAITS:
            yield f"line {n + 1}: user", (*lines[:n], "user", *lines[n + 1 :])


def without_interrupt(vcpus: Sequence[VcpuSpec], intid: int) -> tuple[VcpuSpec, ...]:
    """Return the programs without the lines that name an interrupt: its vINTID, or an SGI."""

    def names(line: str) -> bool:
        entry, instruction = compiled(line)
        named = entry.words[0] == "sgi" or entry.has("V")
        return named and instruction is not None and instruction.a == intid

    def left(lines: Lines) -> Lines:
        return tuple(line for line in lines if not names(line) or opens(line))

    return tuple(
        with_lines(vcpu, left(vcpu.program), None if vcpu.handler is None else left(vcpu.handler))
        for vcpu in vcpus
    )


def without_vcpu(vcpus: Sequence[VcpuSpec], gone: int) -> tuple[VcpuSpec, ...]:
    """Return the programs of the other VCPUs, which send nothing to number ``gone`` any more."""
    count = len(vcpus)

    def changed(lines: Lines) -> Iterator[str]:
        for line in lines:
            entry, _ = compiled(line)
            words = line.split()
            if not entry.has("VCPU") or len(words) < len(entry.words) + len(entry.args):
                yield line
                continue
            v = int(words[-1], 0) % count
            if v != gone:
                yield " ".join([*words[:-1], str(v - (v > gone))])

    return tuple(
        with_lines(
            vcpu,
            list(changed(vcpu.program)),
            None if vcpu.handler is None else list(changed(vcpu.handler)),
        )
        for v, vcpu in enumerate(vcpus)
        if v != gone
    )


def compiled(line: str) -> tuple[Entry, Instruction | None]:
    """Return what a line of a program that was read is."""
    return compile_line(line, "")


def opens(line: str) -> bool:
    """Tell whether it begins a block."""
    return line.split(maxsplit=1)[0] in BLOCKS


def without_blocks(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Yield programs with a block's lines and not the block, and with fewer turns of a loop."""
    begun: list[int] = []
    for n, line in enumerate(lines):
        if opens(line):
            begun.append(n)
        elif line.split()[0] == END.words[0] and begun:
            first = begun.pop()
            left = (*lines[:first], *lines[first + 1 : n], *lines[n + 1 :])
            yield f"{lines[first]} at line {first + 1}", left
