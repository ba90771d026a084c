"""Spin and the explorer side by side: one scenario, two programs that have nothing in common.

``timer-wfi.pml`` is the scenario timer-wfi, era v7.2, as a Promela model; both say what a guest can
see, as sequences of what it does and what it reads.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import process_time
from typing import NamedTuple

from harness.engine.execution import Slot
from harness.search.case import Case
from harness.search.explore.explored import Reductions
from harness.search.explore.graph import Graph
from harness.search.explore.memo import Memo
from harness.search.explore.task import ExploredTask
from harness.spec import RunSpec
from harness.world import VgicWorld
from model import facts
from model.check.listener import Listener, on
from model.check.state import State
from model.machine import START_NS

__all__ = ["Looked", "Pan", "explore", "histories"]

MODEL = Path(__file__).with_name("timer-wfi.pml")
MASKED = 1_000
"""What the model adds to a number for a bit that is set beside it."""


class Looked(NamedTuple):
    """What was looked at: states and steps between them, in how many CPU seconds."""

    who: str
    states: int
    transitions: int
    seconds: float

    @property
    def row(self) -> str:
        """A line of a table."""
        rate, each = self.states / self.seconds, f"{self.states:8,} {self.transitions:8,}"
        return f"{self.who:36} {each} {self.seconds:9.4f} {rate:12,.0f}"


# -- Spin ------------------------------------------------------------------------------------------


class Pan:
    """The verifier that Spin makes of the model, in ``folder``.

    Args:
        folder: where it is made.
        flags: for the C compiler: ``-DNOREDUCE`` is without partial order reduction.
        history: whether what the guest saw is part of the state, and told.

    """

    def __init__(self, folder: Path, *flags: str, history: bool = False) -> None:
        self.folder = folder
        spin = ["spin", "-o2", "-DHISTORY", "-a"] if history else ["spin", "-a"]
        more = ["-DPRINTF"] if history else []
        self.run(*spin, str(MODEL))
        self.run("gcc", "-O2", "-w", *flags, *more, "-o", "pan", "pan.c")

    def run(self, *command: str) -> str:
        """Run a program there and return what it says.

        Raises:
            CalledProcessError: it failed.

        """
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=True, timeout=120
        )
        return done.stdout

    def verify(self) -> str:
        """Look at all states, and return what is said of it; the table of states starts small."""
        said = self.run("./pan", "-m10000", "-w16")
        assert "errors: 0" in said
        assert "Warning" not in said
        return said

    def looked(self, who: str, runs: int = 8) -> Looked:
        """Return the figures; one run is too short to be timed."""
        began = children_seconds()
        for _ in range(runs):
            said = self.verify()
        seconds = (children_seconds() - began) / runs
        return Looked(who, count(said, "states, stored"), count(said, "transitions ("), seconds)

    def histories(self) -> Iterator[str]:
        """Yield what guests saw, once for each state at an end."""
        for line in self.verify().splitlines():
            if line.startswith("history "):
                yield line.removeprefix("history ")


def children_seconds() -> float:
    """Return the CPU seconds of all children so far."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def count(said: str, what: str) -> int:
    """Return the number that stands before ``what``."""
    return next(int(line.split()[0]) for line in said.splitlines() if what in line)


# -- the explorer ----------------------------------------------------------------------------------


class Events(State):
    """What the guest did and saw so far."""

    all: tuple[str, ...] = ()


class History(Listener):
    """Writes down what the guest does and sees, in the model's words."""

    def setup(self) -> None:
        """Make the state."""
        self.events = self.one(Events)

    def note(self, event: str) -> None:
        """Add an event."""
        self.events.all = (*self.events.all, event)

    @on(facts.GuestTimer)
    def on_timer(self, f: facts.GuestTimer) -> None:
        """A register of the timer was written."""
        self.note(f"T{f.ctl * MASKED + f.deadline - START_NS}")

    @on(facts.GuestMask)
    def on_mask(self, f: facts.GuestMask) -> None:
        """PSTATE.I or PMR was written."""
        self.note(f"M{f.irqs_masked * MASKED + f.pmr}")

    @on(facts.GuestWfi)
    def on_wfi(self, f: facts.GuestWfi) -> None:
        """It waited, or did not have to."""
        self.note(f"W{int(f.completed)}")

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """It read IAR."""
        self.note(f"A{f.vintid}")

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """It wrote EOIR."""
        self.note(f"E{f.vintid}")

    @on(facts.UserLeft)
    def on_user(self, _f: facts.UserLeft) -> None:
        """Its access went to user space."""
        self.note("U0")

    @on(facts.Halted)
    def on_halt(self, _f: facts.Halted) -> None:
        """It has finished."""
        self.note("H0")


def world(rules: bool, *, history: bool = False) -> VgicWorld:
    """Build the scenario as the explorer has it, with all rules or none."""
    spec = RunSpec.make("timer-wfi", "v7.2", knobs={"preemptions": "0"})
    task_class: type[Slot] = ExploredTask
    made = Case.of(spec).world(task_class, rules=None if rules else frozenset())
    checker = made.checker
    used = {view for rule in checker.rules for view in rule.all_views()}
    checker.views = {cls: view for cls, view in checker.views.items() if cls in used}
    checker.states[:] = [History(checker)] if history else []
    checker.subscribe(last={})
    return made


def states_of(graph: Graph) -> set[int]:
    """Return all states of a graph."""
    todo = list(graph.beginnings())
    seen = set(todo)
    while todo:
        for state in graph.successors(todo.pop()):
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return seen


def explore(who: str, *, rules: bool, dead: bool = True) -> Looked:
    """Look at all states with the explorer, from nothing."""
    began = process_time()
    graph = Graph(Memo(world(rules), Reductions(dead=dead)))
    states = states_of(graph)
    seconds = process_time() - began
    assert not graph.broken
    return Looked(who, len(states), graph.transitions, seconds)


def histories() -> set[str]:
    """Return what guests see, as the explorer finds it."""
    graph = Graph(Memo(world(False, history=True), Reductions()))
    found = set()
    for state in states_of(graph):
        row = graph.packing.unpack(state)
        if not graph.ready(row):
            (number,) = row[graph.memo.rules.start :]
            events: tuple[str, ...] = graph.memo.rules.values[0].keys[number]  # type: ignore[assignment]
            found.add(" ".join(events))
    return found
