"""Where a coroutine can be parked, read from its code: each await, and what it leaves on the stack.

A frame's locals can be seen; what an expression or a loop keeps on the interpreter's stack while it
awaits cannot. So the code is walked once, in order of execution, and each await is told what is
under it: the iterator of a loop, or an operand that was read before.
"""

import dis
from bisect import bisect_right
from functools import cache
from types import CodeType
from typing import NamedTuple

__all__ = ["Await", "Awaits", "awaits_of"]

ENDS = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"})
JUMPS = frozenset({"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})
GETS_ITERATOR = frozenset({"GET_ITER", "GET_AITER", "GET_YIELD_FROM_ITER"})

Stack = tuple[str, ...]
"""What each entry of the interpreter's stack is, the top last."""


class Await(NamedTuple):
    """An await of a function: its ``offset``, its ``line``, and what it ``keeps`` ("": nothing)."""

    offset: int
    line: int | None
    keeps: str


class Awaits:
    """The awaits of a function's code, in the order of the code, and the ``names`` of its locals.

    Among the names are those that it shares with functions within it and around it.
    """

    def __init__(self, code: CodeType) -> None:
        stacks = walk(code)
        self.awaits = [
            Await(each.offset, line_of(each), kept(stacks.get(each.offset)))
            for each in dis.get_instructions(code)
            if each.opname == "SEND"
        ]
        self.offsets = [each.offset for each in self.awaits]
        self.names = tuple(dict.fromkeys((*code.co_varnames, *code.co_cellvars, *code.co_freevars)))

    def at(self, lasti: int) -> Await | None:
        """Return the await in which a frame is whose last instruction is at ``lasti``.

        While what it awaits runs that is the SEND itself, else the YIELD_VALUE behind it.
        """
        i = bisect_right(self.offsets, lasti) - 1
        return self.awaits[i] if i >= 0 else None


@cache
def awaits_of(code: CodeType) -> Awaits:
    """Return the awaits of ``code``, which is read only once."""
    return Awaits(code)


def kept(stack: Stack | None) -> str:
    """Say what lies under the awaitable, and the value sent to it, on the stack of a SEND."""
    if stack is None:
        return "what an except or finally clause handles"
    under = stack[:-2]
    iterators = [entry for entry in under if entry]
    if iterators:
        return iterators[-1]
    return "an operand, or a with statement" if under else ""


def walk(code: CodeType) -> dict[int, Stack]:
    """Return the stack before each instruction that can be reached without an exception."""
    instructions = list(dis.get_instructions(code))
    index = {each.offset: i for i, each in enumerate(instructions)}
    first = next(i for i, each in enumerate(instructions) if each.opname == "RESUME")
    found: dict[int, Stack] = {}
    todo: list[tuple[int, Stack]] = [(first, ())]
    while todo:
        i, stack = todo.pop()
        instruction = instructions[i]
        if instruction.offset in found:
            continue
        found[instruction.offset] = stack
        name = instruction.opname
        if name in ENDS:
            continue
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            todo.append((index[instruction.argval], after(instruction, stack, jump=True)))
        if name not in JUMPS:
            todo.append((i + 1, after(instruction, stack, jump=False)))
    return found


def line_of(instruction: dis.Instruction) -> int | None:
    """Return the line of an instruction."""
    return instruction.positions.lineno if instruction.positions else None


def after(instruction: dis.Instruction, stack: Stack, *, jump: bool) -> Stack:
    """Return the stack after an instruction that jumps, or does not."""
    if instruction.opname in GETS_ITERATOR:
        return (*stack[:-1], f"the iterator of the loop of line {line_of(instruction)}")
    if instruction.opname == "SWAP":
        entries = list(stack)
        depth = -(instruction.arg or 0)
        entries[-1], entries[depth] = entries[depth], entries[-1]
        return tuple(entries)
    argument = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
    effect = dis.stack_effect(instruction.opcode, argument, jump=jump)
    return stack[:effect] if effect < 0 else stack + ("",) * effect
