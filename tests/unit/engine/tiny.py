"""A world of a few lines, so that the engine can be tested without interrupts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.contract import ABANDON, Abandon, Op, RunInfo, Strategy, Task
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Limits, Outcome, Slot, Violation
from harness.engine.trio_engine import TrioEngine
from model.check.violation import classify_late_or_lost
from model.identity import Actor

ENGINES = (DirectEngine, TrioEngine)
AnyEngine = DirectEngine | TrioEngine

STEP = Op("step", 0, 0)


class TinyWorld:
    """``mains`` are the tasks, in order, named a, b, c, ...; everything else is up to the test."""

    def __init__(
        self,
        engine: AnyEngine,
        *mains: Callable[[Slot], Any],
        limits: Limits | None = None,
        optional: str = "",
        eager: str = "",
    ) -> None:
        self.limits = limits or Limits(steps_max=1_000, drain_steps_max=1_000)
        self.failures: list[Violation] = []
        self.owed: Callable[[], list[Violation]] = list
        self.nudged = 0
        self.on_nudge: Callable[[], None] = lambda: None
        self.on_reset: Callable[[], None] = lambda: None
        slots = []
        for i, main in enumerate(mains):
            name = "abcdefgh"[i]
            slot = engine.task_class(name, Actor("tiny", n=i), main, optional=name in optional)
            slot.eager = name in eager
            slots.append(slot)
        self.slots: tuple[Slot, ...] = tuple(slots)

    def reset(self, execution: Execution) -> None:
        self.failures = []
        self.nudged = 0
        self.on_reset()

    def at_rest(self) -> list[Violation]:
        return self.owed()

    def nudge(self) -> None:
        self.nudged += 1
        self.on_nudge()

    def at_bound(self) -> None:
        """Nobody is asked for more."""

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        return classify_late_or_lost(late, lost)

    def reached(self) -> int:
        return 0


class Script:
    """Chooses the named tasks one after the other, draws the given numbers, then abandons."""

    every_step = True

    def __init__(self, tasks: Sequence[str], draws: Iterable[int] = ()) -> None:
        self.tasks = list(tasks)
        self.draws = list(draws)
        self.offered: list[str] = []

    def begin(self, info: RunInfo) -> bool:
        self.todo = list(self.tasks)
        self.numbers = list(self.draws)
        self.offered = []
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        self.offered.append("".join(task.name for task in enabled))
        if not self.todo:
            return ABANDON
        name = self.todo.pop(0)
        return next(task for task in enabled if task.name == name)

    def draw(self, name: str, k: int) -> int:
        return self.numbers.pop(0)

    def end(self, outcome: object) -> None:
        """Nothing."""


def run(engine: AnyEngine, world: TinyWorld, *strategies: Strategy) -> list[Outcome]:
    """One execution per strategy, in one drive; a strategy with nothing left is an error."""
    outcomes: list[Outcome] = []

    def campaign() -> Any:
        for strategy in strategies:
            outcome = yield Execution(world, strategy)
            assert outcome is not None
            outcomes.append(outcome)

    engine.drive(campaign())
    return outcomes


def made(outcome: Outcome) -> list[str]:
    """The choices of an execution, as a schedule prints them."""
    return [str(choice) for choice in outcome.choices]


def steps(count: int, log: list[str]) -> Callable[[Slot], Any]:
    """A task of so many steps that logs each under its own name."""

    async def main(task: Slot) -> None:
        for _ in range(count):
            await task.step(STEP)
            log.append(task.name)

    return main
