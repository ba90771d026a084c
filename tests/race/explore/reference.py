"""Searches of all interleavings too simple to be wrong, for the explorer to be held against.

Both run the direct engine from the start for each path: fresh coroutines, prefixes made again.
:class:`BruteForce` takes every path there is; :class:`Hashing` turns back at a state that it has
seen, where a state is (machine, checker, positions) as they are, nothing left out.
"""

from collections.abc import Hashable, Iterator, Sequence

from harness.contract import ABANDON, Abandon, RunInfo, Task
from harness.engine.choice import Choice
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.engine.position import positions
from harness.world import VgicWorld

__all__ = ["BruteForce", "Hashing", "paths"]


class BruteForce:
    """Takes each path in turn, depth first; a strategy that serves one execution after the other.

    Where only stimuli can go, that none of them does is a path as well: the engine then drains, and
    the rules say what is owed. ``executions`` and ``steps`` count.
    """

    every_step = True

    def __init__(self) -> None:
        self.path: list[int] = []
        self.widths: list[int] = []
        self.position = 0
        self.executions = 0
        self.done = False

    def begin(self, info: RunInfo) -> bool:
        """Begin the next path; there is none after the last."""
        self.position = 0
        self.executions += 1
        return not self.done

    def pick(self, width: int) -> int:
        """Take the option of this path at the present choice, which has ``width`` of them."""
        if self.position == len(self.path):
            self.path.append(0)
            self.widths.append(width)
        option = self.path[self.position]
        assert self.widths[self.position] == width, "the same prefix leads elsewhere"
        self.position += 1
        return option

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Choose the next task of this path."""
        quiet = all(task.optional for task in enabled)
        option = self.pick(len(enabled) + quiet)
        return ABANDON if option == len(enabled) else enabled[option]

    def draw(self, name: str, k: int) -> int:
        """Draw the next number of this path."""
        return self.pick(k)

    def end(self, outcome: Outcome) -> None:
        """Go back to the last choice that has another option."""
        while self.path and self.path[-1] + 1 == self.widths[-1]:
            self.path.pop()
            self.widths.pop()
        if self.path:
            self.path[-1] += 1
        else:
            self.done = True


class Hashing(BruteForce):
    """Turns back at a state that was seen; ``seen`` are the states, in the order of their finding.

    What is not new is cut right there: such an execution's outcome says nothing, and its bound is
    "seen".
    """

    execution: Execution

    def __init__(self, world: VgicWorld) -> None:
        super().__init__()
        self.world = world
        self.seen: dict[Hashable, int] = {}
        self.transitions = 0

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Look whether the state is new, then as before."""
        if self.position == len(self.path):
            self.transitions += 1
            state = self.state()
            if state in self.seen:
                self.execution.cut("seen")
                return enabled[0]
            self.seen[state] = len(self.seen)
        return super().choose(enabled, pending, current)

    def state(self) -> Hashable:
        """Return the whole state of the execution."""
        world = self.world
        return (world.machine.key(), world.checker.key(), positions(self.execution))

    def draw(self, name: str, k: int) -> int:
        """Draw the next number, unless the path was cut."""
        return 0 if self.execution.bound else super().draw(name, k)


def paths(world: VgicWorld, strategy: BruteForce, most: int = 10**9) -> Iterator[Outcome]:
    """Run the executions of ``strategy`` until none is left, or there were ``most``."""
    engine = DirectEngine()
    while strategy.executions < most:
        execution = Execution(world, strategy)
        if isinstance(strategy, Hashing):
            strategy.execution = execution
        outcome = engine.execute(execution)
        if outcome is None:
            return
        yield outcome


def made(outcome: Outcome) -> tuple[Choice, ...]:
    """Return the choices of an execution."""
    return tuple(outcome.choices)
