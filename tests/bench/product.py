"""The one place where the benchmark touches the product: building, running, recording, ``--help``.

Everything measured goes through :class:`Product`, so a change of the harness's interface is a
change of this file. A planted slow-down is a subclass; only what it breaks (``plants.py``) and what
is taken out (``unrecorded.py``) name methods of the harness elsewhere.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

from harness.contract import Guard, Op, Strategy
from harness.engine.choice import Draw
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Limits, Outcome, Slot
from harness.engine.prefix import PrefixExecution
from harness.engine.slot import Known
from harness.engine.trio_engine import TrioEngine
from harness.log.record import record
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from model.rules.registry import RULES
from tests.bench.unrecorded import unrecorded

ENGINES: dict[str, Any] = {"direct": DirectEngine, "trio": TrioEngine}
ERAS = ("v4.14", "v7.2")
SIZES = (2, 4, 8, 16, 32)
"""Numbers of VCPUs, on as many pCPUs, for which scaling is measured."""
GUEST_RULES = "model.rules.guest."
ROOT = Path(__file__).parents[2]


def strategy(seed: int) -> Strategy:
    """Schedule ``seed``, as in a campaign: even ones random, odd ones pct."""
    return RandomWalk(seed) if seed % 2 == 0 else Pct(seed, 3, 200)


class Timed(NamedTuple):
    """CPU seconds of a run, and the steps that it made."""

    seconds: float
    steps: int


class Product:
    """What is measured. ``execution_class`` is what a plant replaces most often."""

    execution_class: type[Execution] = Execution

    def spec(
        self, scenario: str, era: str, size: int | None = None, steps_max: int | None = None
    ) -> RunSpec:
        """Say what to build; with ``size``, as many pCPUs and VCPUs."""
        knobs = {} if steps_max is None else {"steps_max": str(steps_max)}
        return RunSpec.make(scenario, era, pcpus=size, vcpus=size, knobs=knobs)

    def world(self, spec: RunSpec, engine: str = "direct") -> Any:
        """Build a world with all rules."""
        return spec.build(ENGINES[engine].task_class)

    def world_without_guest(self, spec: RunSpec) -> Any:
        """Build one without the rules of ``model.rules.guest``, for the direct engine."""
        kept = {name for name, cls in RULES.items() if not cls.__module__.startswith(GUEST_RULES)}
        return spec.build(ENGINES["direct"].task_class, frozenset(kept))

    def build_seconds(self, spec: RunSpec) -> float:
        """Return the CPU seconds of building a world."""
        began = process_time()
        self.world(spec)
        return process_time() - began

    def execution(self, world: Any, choices: Strategy) -> Execution:
        """Make one execution; all that are measured come from here."""
        return self.execution_class(world, choices)

    def run(self, engine: str, world: Any, seeds: Sequence[int]) -> Timed:
        """Time the executions of ``seeds``, after one more that is not timed.

        The clock runs inside the engine: neither Trio's start nor the making of its actors counts.
        """
        seconds, steps = 0.0, 0

        def campaign() -> Generator[Execution, Outcome | None, None]:
            nonlocal seconds, steps
            yield self.execution(world, strategy(seeds[0]))
            began = process_time()
            for seed in seeds:
                outcome = yield self.execution(world, strategy(seed))
                assert outcome is not None
                steps += outcome.steps
            seconds = process_time() - began

        ENGINES[engine]().drive(campaign())
        return Timed(seconds, steps)

    def execute(self, execution: Execution) -> Outcome:
        """Run one execution on the direct engine, untimed."""
        outcome = DirectEngine().execute(execution)
        assert outcome is not None
        return outcome

    def trace(self, world: Any, seed: int) -> list[int]:
        """Return the numbers of the tasks that make the steps of an execution, drain included."""
        made: list[int] = []

        def note(task: Slot, op: Op) -> None:
            made.append(task.index)

        execution = self.execution(world, strategy(seed))
        execution.observer = note
        self.execute(execution)
        return made

    def tasks(self, world: Any) -> int:
        """Return the number of tasks of a world."""
        return len(world.slots)

    @contextmanager
    def one_step(self, world: Any) -> Iterator[None]:
        """Let every execution of ``world`` end after its first step, without a drain."""
        limits = world.limits
        world.limits = Limits(steps_max=1, drain_steps_max=0)
        try:
            yield
        finally:
            world.limits = limits

    def guards_asked(self, world: Any, seed: int) -> tuple[int, int]:
        """Count the guards asked in an execution, and its steps."""
        asked = 0

        def counted(guard: Guard) -> Guard:
            def ask() -> bool:
                nonlocal asked
                asked += 1
                return guard()

            return ask

        class Counting(self.execution_class):  # type: ignore[name-defined, misc]
            def advance(self, task: Slot) -> Slot | None:
                if task.guard is not None:
                    task.guard = counted(task.guard)
                chosen: Slot | None = super().advance(task)
                return chosen

        outcome = self.execute(Counting(world, strategy(seed)))
        return asked, outcome.steps

    def forget_candidates(self, world: Any) -> None:
        """Empty the engine's table of what can go for each mask of enabled tasks: it is bounded."""
        Known.of(world.slots).candidates.clear()

    # -- blind replay --------------------------------------------------------------------------

    def prefixes(self, spec: RunSpec, seeds: Sequence[int]) -> tuple[Any, list[Any], list[Any]]:
        """Return what :meth:`replay` takes: a world, prefixes of it, and what each begins with.

        The world has no rules and hears no facts. The prefixes are whole executions; what one
        begins with are the draws before its first step: enough to begin, and no more.
        """
        world = spec.build(DirectEngine.task_class, frozenset())
        recorded = [self.execute(self.execution(world, strategy(s))).choices for s in seeds]
        world.mute()
        starts = [list(takewhile(lambda choice: isinstance(choice, Draw), r)) for r in recorded]
        return world, recorded, starts

    def replay(self, world: Any, prefixes: Sequence[Any]) -> Timed:
        """Time the blind replay of recorded prefixes."""
        engine = DirectEngine()
        steps = 0
        began = process_time()
        for prefix in prefixes:
            outcome = engine.execute(PrefixExecution(world, prefix))
            assert outcome is not None
            steps += outcome.steps
        return Timed(process_time() - began, steps)

    # -- recording -----------------------------------------------------------------------------

    def unrecorded(self) -> "Product":
        """Return the same product with the recording of steps' choices taken out."""
        product = Product()
        product.execution_class = unrecorded(self.execution_class)
        return product

    def schedule(self, spec: RunSpec, seed: int) -> Any:
        """Return a schedule to record."""
        world = self.world(spec)
        return spec.schedule(self.execute(self.execution(world, strategy(seed))))

    def record(self, spec: RunSpec, schedule: Any) -> float:
        """Time a full recording into a file, the building of the world included."""
        with tempfile.TemporaryDirectory() as folder:
            began = process_time()
            record(spec, schedule, Path(folder, "log.jsonl"))
            return process_time() - began

    def plain(self, spec: RunSpec, schedule: Any) -> float:
        """Time the same as :meth:`record` without recording: build, and run the schedule."""
        began = process_time()
        self.execute(self.execution(self.world(spec), Replay(schedule.choices)))
        return process_time() - began

    # -- the command ---------------------------------------------------------------------------

    def help(self) -> float:
        """Return the CPU seconds of a process that prints the command's help."""
        return process("import sys; from harness.cli.main import main; sys.exit(main(['--help']))")


def process(code: str) -> float:
    """Return the CPU seconds, user and system, of a Python process that runs ``code``."""
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"a measured process ended with {child.returncode}: {code}")
    return usage.ru_utime + usage.ru_stime
