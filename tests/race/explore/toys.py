"""Toy worlds: a few tasks over a few cells, as the engine's contract has them, and one rule.

A program is a list of instructions, each a step: so it can be drawn at random and made smaller. The
explorer and the engine run the same tasks.
"""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from harness.contract import Op
from harness.engine.execution import Execution, Limits, Slot
from harness.engine.footprint import Resources
from harness.engine.position import wiring
from model.check.alarm import alarm
from model.check.checker import Checker
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.violation import Violation, classify_late_or_lost
from model.facts import Fact, Ticked
from model.identity import Actor
from model.part import Part

__all__ = ["LOOPS", "PROGRAMS", "Program", "Toy", "ToyWorld", "drawn", "drawn_apart"]

Instruction = tuple[str, int, int, int]
Program = tuple[tuple[Instruction, ...], ...]
"""The programs of the tasks; a task whose first instruction is "optional" is a stimulus."""

CELLS = 3
NUMBERS = 3
"""Cells hold numbers below this."""


class Cell(Part):
    """A number that tasks share, and one that is dead while the first is 0."""

    __slots__ = FIELDS = ("value", "mark")

    def __init__(self) -> None:
        super().__init__()
        self.value = 0
        self.mark = 0

    def put(self, value: int) -> None:
        """Change the number; one that was 0 has no mark."""
        if not self.value:
            self.mark = 0
        self.value = value

    def canonical(self) -> object:
        """Without the mark of a cell that is 0."""
        return (self.value, self.mark) if self.value else (0, 0)


class Said(State):
    """The number said last; how often 2 was, at most twice."""

    last: int = 0
    twos: int = 0


class ToyRule(Rule):
    """2 is not said behind 1, nor three times; and 1 is not the last word."""

    id = "toy"
    section = "none"
    title = "none"

    AFTER = alarm("after", "2 was said behind 1")
    THRICE = alarm("thrice", "2 was said three times")
    OWED = alarm("owed", "the last word is 1")

    def setup(self) -> None:
        """Make the state."""
        self.said = self.one(Said)

    @on(Ticked)
    def on_word(self, f: Ticked) -> None:
        """A number is said."""
        said = self.said
        if f.now == 2:
            if said.last == 1:
                self.report(self.AFTER)
            if said.twos == 2:
                self.report(self.THRICE)
            said.twos = min(2, said.twos + 1)
        said.last = f.now

    def at_rest(self) -> None:
        """Something is owed behind 1."""
        if self.said.last == 1:
            self.report(self.OWED)


class ToyMachine:
    """The cells, as a machine is one."""

    def __init__(self) -> None:
        self.cells = [Cell() for _ in range(CELLS)]
        self.parts: list[tuple[str, Part]] = [(f"cell{i}", c) for i, c in enumerate(self.cells)]
        self.emit: Callable[[Fact], object] | None = None

    def tell(self, emit: Callable[[Fact], object] | None) -> None:
        """Say facts to ``emit`` from here on."""
        self.emit = emit

    def reset(self) -> None:
        """Go back to the beginning."""
        for _, part in self.parts:
            part.restore((0, 0))

    def canonical(self) -> tuple[object, ...]:
        """Return the state without what is dead."""
        return tuple(part.canonical() for _, part in self.parts)


class Toy:
    """One task: its program, and what it sees of the world."""

    def __init__(self, world: "ToyWorld", name: str, program: tuple[Instruction, ...]) -> None:
        self.world = world
        self.name = name
        self.program = program

    def op(self, name: str, *, reads: int = 0, writes: int = 0) -> Op:
        """Return an operation on the cells of two masks."""
        bits = [cell.bit for cell in self.world.machine.cells]
        r, w = (sum(b for i, b in enumerate(bits) if m >> i & 1) for m in (reads, writes))
        return Op(name, r, w)

    async def main(self, task: Slot) -> None:
        """Run the program."""
        cells = self.world.machine.cells
        kept = at = 0
        while at < len(self.program):
            name, a, b, n = self.program[at]
            at += 1
            if name == "wait":

                def comes(a: int = a, n: int = n) -> bool:
                    return cells[a].value == n

                await task.step(self.op(name, writes=1 << a), comes, cells[a].bit)
                cells[a].put(b)
            elif name == "await":

                def is_there(a: int = a, n: int = n) -> bool:
                    return cells[a].value == n

                await task.step(self.op(name, writes=1 << b), is_there, cells[a].bit)
                cells[b].put(n)
            elif name == "back":
                await task.step(self.op(name, reads=1 << a))
                if cells[a].value == n:
                    at = 0
            elif name == "alt":
                second = self.op("other", reads=1 << b, writes=1 << a)

                def replaced(b: int = b, n: int = n) -> bool:
                    return cells[b].value == n

                if await task.step(
                    self.op(name, reads=1 << b, writes=1 << a), alt=(second, replaced)
                ):
                    cells[a].put(n)
                else:
                    cells[a].put((cells[a].value + 1) % NUMBERS)
            else:
                await task.step(self.op(name, reads=1 << b, writes=1 << a))
                kept = self.plain(task, name, cells[a], cells[b], n, kept)

    def plain(self, task: Slot, name: str, one: Cell, other: Cell, n: int, kept: int) -> int:
        """Do what can always be done; return what the task remembers."""
        if name == "add":
            one.put((one.value + n) % NUMBERS)
        elif name == "copy":
            one.put(other.value)
        elif name == "mark":
            # Seen again, by "unmark", only while the cell is not 0.
            one.put(other.value)
            one.mark = n
        elif name == "unmark":
            one.put(one.mark if one.value else 0)
        elif name == "draw":
            one.put(task.choose("number", NUMBERS))
            if one.value:
                one.mark = task.choose("mark", NUMBERS)
        elif name == "keep":
            return one.value
        elif name == "put":
            one.put(kept)
        elif name == "say":
            self.world.emit(Ticked(one.value))
        return kept


wiring(Toy, lambda toy: toy.name)


class ToyKvm:
    """Where a hypervisor would be: it remembers nothing."""

    def __init__(self, machine: ToyMachine) -> None:
        self.machine = machine


class ToyWorld:
    """What the engine and the explorer need of a world."""

    def __init__(self, program: Program, task_class: type[Slot]) -> None:
        self.machine = ToyMachine()
        self.kvm = ToyKvm(self.machine)
        self.variant = "toy"
        self.resources = Resources(
            self.machine.parts, {"cell": dict(enumerate(self.machine.cells))}
        )
        self.checker = Checker(Setting(), "v7.2", rules=[ToyRule], states=(), step=lambda: 0)
        self.machine.tell(self.checker.emit)
        self.limits = Limits()
        self.failures = self.checker.violations
        self.on_rest: Callable[[], None] | None = None
        slots = []
        for i, lines in enumerate(program):
            optional = lines[:1] == (("optional", 0, 0, 0),)
            name = f"t{i}"
            toy = Toy(self, name, lines[1:] if optional else lines)
            slots.append(task_class(name, Actor("toy", n=i), toy.main, optional=optional))
        self.slots: tuple[Slot, ...] = tuple(slots)

    def emit(self, fact: Fact) -> None:
        """Say a fact."""
        if self.machine.emit is not None:
            self.machine.emit(fact)

    def reset(self, execution: Execution) -> None:
        """Go back to the beginning."""
        self.machine.reset()
        self.checker.reset()
        self.failures = self.checker.violations

    def at_rest(self) -> list[Violation]:
        """Ask what is owed."""
        if self.on_rest is not None:
            self.on_rest()
        return self.checker.at_rest()

    def nudge(self) -> None:
        """Nothing can be done from outside."""

    def at_bound(self) -> None:
        """Nobody is asked for more."""

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        """Word what is owed."""
        return classify_late_or_lost(late, lost)

    def reached(self) -> int:
        """No states are sought."""
        return 0


NAMES = (
    "add", "add", "copy", "mark", "unmark", "draw", "keep", "put", "say", "say", "wait", "alt",
)  # fmt: skip
LOOPS = (*NAMES, "add", "mark", "unmark", "back", "back")
"""With steps that go back to the beginning of the program."""
STIMULUS: Instruction = ("optional", 0, 0, 0)


def instructions() -> st.SearchStrategy[Instruction]:
    """Return a strategy for one instruction."""
    cell, number = st.integers(0, CELLS - 1), st.integers(0, NUMBERS - 1)
    return st.tuples(st.sampled_from(NAMES), cell, cell, number)


def tasks(most: int) -> st.SearchStrategy[tuple[Instruction, ...]]:
    """Return a strategy for the program of one task, which may be a stimulus."""
    lines = st.lists(instructions(), min_size=1, max_size=most).map(tuple)
    marked: Any = lines.map(lambda x: (STIMULUS, *x))
    return st.one_of(lines, lines, lines, marked)


PROGRAMS: st.SearchStrategy[Program] = st.one_of(
    st.tuples(tasks(4), tasks(4)), st.tuples(tasks(3), tasks(2), tasks(2))
)
"""Programs of two or three tasks, small enough for every interleaving to be taken."""


def drawn(seed: int) -> Program:
    """Return a program that depends on a number alone."""
    rng = random.Random(seed)

    def line() -> Instruction:
        cell, other = rng.randrange(CELLS), rng.randrange(CELLS)
        return (rng.choice(NAMES), cell, other, rng.randrange(NUMBERS))

    sizes = (4, 4) if seed % 2 else (3, 2, 2)
    return tuple(
        (STIMULUS,) * (rng.random() < 0.3) + tuple(line() for _ in range(size)) for size in sizes
    )


def drawn_apart(seed: int) -> Program:
    """Return a program of tasks that share little, and that may go round; it depends on a number.

    Every task has a cell of its own, and now and then looks at another's, or waits for it.
    """
    rng = random.Random(seed)
    tasks = rng.choice((2, 3, 3))
    waiting = rng.random() < 0.5

    def line(own: int) -> Instruction:
        cell = own if rng.random() < 0.8 else rng.randrange(CELLS)
        other = own if rng.random() < 0.7 else rng.randrange(CELLS)
        if waiting and rng.random() < 0.3:
            return ("await", (own + 1) % tasks, own, rng.randrange(1, NUMBERS))
        return (rng.choice(LOOPS), cell, other, rng.randrange(NUMBERS))

    return tuple(
        (STIMULUS,) * (rng.random() < 0.2) + tuple(line(n) for _ in range(7 - 2 * (tasks == 3)))
        for n in range(tasks)
    )
