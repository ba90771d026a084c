"""Measures the budgets of the design: absolute figures, and ratios to the bare engines.

``uv run pytest -m bench -s -n 0`` prints the table. The machine is shared and noisy, so each figure
is the best of several runs, what is compared is measured in the same process one after the other,
and only ratios are judged (loosely) by the tests.
"""

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Generator

import msgspec

from harness.contract import Op
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Limits, Outcome, Slot, Violation
from harness.engine.prefix import PrefixExecution
from harness.engine.trio_engine import TrioEngine
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin
from harness.world import VgicWorld

Engine = type[DirectEngine] | type[TrioEngine]
ENTRIES = [(s, v) for s in ("timer-wfi", "timer-busy", "migrate") for v in ("v4.14", "v7.2")]
REPEATS = 3


class Figures(msgspec.Struct):
    """Seconds, steps, hand-overs and executions of a measured run."""

    seconds: float
    steps: int
    handovers: int
    executions: int

    @property
    def step_us(self) -> float:
        return self.seconds / self.steps * 1e6


class BareWorld:
    """Tasks that do nothing, ``steps`` each: what the engine costs by itself."""

    def __init__(self, engine: Engine, tasks: int, steps: int) -> None:
        op = Op("nothing", 0, 0)

        async def main(task: Slot) -> None:
            for _ in range(steps):
                await task.step(op)

        self.slots = tuple(engine.task_class(f"t{i}", "bare", main) for i in range(tasks))
        self.limits = Limits()
        self.failures: list[Violation] = []

    def reset(self, execution: Execution) -> None:
        self.failures = []

    def at_rest(self) -> list[Violation]:
        return []

    def nudge(self) -> None: ...

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        return late

    def reached(self) -> int:
        return 0


def drive(engine: Engine, make: Callable[[int], Execution], executions: int) -> Figures:
    """Run executions 0, 1, ... and add them up."""
    steps = handovers = 0

    def campaign() -> Generator[Execution, Outcome | None, None]:
        nonlocal steps, handovers
        for i in range(executions):
            outcome = yield make(i)
            assert outcome is not None
            steps += outcome.steps
            handovers += outcome.handovers

    gc.collect()
    began = time.perf_counter()
    engine().drive(campaign())
    return Figures(time.perf_counter() - began, steps, handovers, executions)


def best(measure: Callable[[], Figures]) -> Figures:
    """The fastest of several runs: noise only ever adds."""
    return min((measure() for _ in range(REPEATS)), key=lambda f: f.step_us)


def full(engine: Engine, executions: int = 120) -> Figures:
    """The full model and all rules over all entries, half of it random walks."""
    total = Figures(0.0, 0, 0, 0)
    for scenario, variant in ENTRIES:
        world = RunSpec.make(scenario, variant).build(engine.task_class)
        one = best(lambda w=world: drive(engine, lambda i: Execution(w, RandomWalk(i)), executions))
        total.seconds += one.seconds
        total.steps += one.steps
        total.handovers += one.handovers
        total.executions += one.executions
    return total


def bare(engine: Engine, *, alternate: bool) -> Figures:
    """The bare engine: tasks in turn (every step a hand-over), or each to its end (none)."""
    world = BareWorld(engine, tasks=8, steps=200)
    quantum = 1 if alternate else 10_000
    return best(lambda: drive(engine, lambda _: Execution(world, RoundRobin(quantum)), 20))


def per_execution_us(engine: Engine) -> float:
    """What an execution costs beyond its steps: the intercept over two lengths of execution."""
    spec = RunSpec.make("timer-wfi", "v7.2")
    world = spec.build(engine.task_class)
    short = best(lambda: drive(engine, lambda i: Execution(limited(world, 5), RandomWalk(i)), 400))
    tiny = short.seconds / short.executions * 1e6
    return tiny - short.steps / short.executions * full_step_us[engine.name]


full_step_us: dict[str, float] = {}


class Limited:
    """A world whose executions end after a few steps, without a drain."""

    def __init__(self, world: VgicWorld, steps: int) -> None:
        self.world = world
        self.slots = world.slots
        self.limits = Limits(steps_max=steps, drain_steps_max=0)
        self.failures: list[Violation] = []

    def reset(self, execution: Execution) -> None:
        self.world.reset(execution)

    def at_rest(self) -> list[Violation]:
        return []

    def nudge(self) -> None: ...

    def settle(self, late: list[Violation], lost: list[Violation]) -> list[Violation]:
        return []

    def reached(self) -> int:
        return 0


def limited(world: VgicWorld, steps: int) -> Limited:
    """Bound the executions of a world."""
    return Limited(world, steps)


def prefix_us() -> float:
    """Blind replay of recorded prefixes, facts unheard: microseconds a step beyond the start."""
    world = RunSpec.make("timer-wfi", "v7.2").build(DirectEngine.task_class, frozenset())
    recorded: list[list[int]] = []
    engine = DirectEngine()
    for i in range(40):
        outcome = engine.execute(Execution(world, RandomWalk(i)))
        assert outcome is not None
        recorded.append(outcome.choices)
    world.hush()
    whole = best(
        lambda: drive(DirectEngine, lambda i: PrefixExecution(world, recorded[i % 40]), 200)
    )
    start = best(
        lambda: drive(DirectEngine, lambda i: PrefixExecution(world, recorded[i % 40][:4]), 200)
    )
    return (whole.seconds - start.seconds) / (whole.steps - start.steps) * 1e6


def recording_share() -> float:
    """The share of a direct step that recording the choice takes."""
    choices: list[int] = []
    append = choices.append
    n = 200_000
    began = time.perf_counter()
    for i in range(n):
        append(i)
    appended = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(n):
        pass
    return (appended - (time.perf_counter() - began)) / n * 1e6 / full_step_us["direct"]


def memory_growth_kb() -> float:
    """How much more memory 1,500 executions hold than 300."""
    world = RunSpec.make("timer-wfi", "v7.2").build(DirectEngine.task_class)
    tracemalloc.start()
    try:
        drive(DirectEngine, lambda i: Execution(world, RandomWalk(i)), 300)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        drive(DirectEngine, lambda i: Execution(world, RandomWalk(i)), 1_500)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / 1024
    finally:
        tracemalloc.stop()


def help_seconds() -> float:
    """Time to ``--help``, interpreter included."""
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "--help"]
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return min(times)


def measure() -> dict[str, float]:
    """Measure everything; names say the unit."""
    direct, trio = full(DirectEngine), full(TrioEngine)
    full_step_us.update(direct=direct.step_us, trio=trio.step_us)
    bare_direct, bare_trio = bare(DirectEngine, alternate=False), bare(TrioEngine, alternate=True)
    hand_off_us = bare_trio.step_us - bare(TrioEngine, alternate=False).step_us
    share = trio.handovers / trio.steps
    allowed = 1.25 * (direct.step_us + share * hand_off_us)
    return {
        "direct steps/s": 1e6 / direct.step_us,
        "direct step, us": direct.step_us,
        "bare direct step, us": bare_direct.step_us,
        "direct / bare direct": direct.step_us / bare_direct.step_us,
        "trio steps/s": 1e6 / trio.step_us,
        "trio step, us": trio.step_us,
        "bare trio hand-off, us": hand_off_us,
        "share of steps that hand over": share,
        "trio / (direct + hand-offs x bare hand-off)": trio.step_us / allowed * 1.25,
        "direct, us per execution beyond its steps": per_execution_us(DirectEngine),
        "trio, us per execution beyond its steps": per_execution_us(TrioEngine),
        "recording, share of a direct step": recording_share(),
        "blind replay of a prefix, us a step": prefix_us(),
        "memory growth over 1,500 executions, KiB": memory_growth_kb(),
        "--help, s": help_seconds(),
    }
