"""What a process of a campaign does: one batch of schedules of one entry at a time.

A world is built once per entry and process. Nothing is written or formatted while schedules pass;
a batch returns sums, and the schedules of the executions that failed.
"""

import os
import signal
import threading
import time
from collections.abc import Generator, Sequence
from multiprocessing import parent_process
from typing import Protocol

import msgspec

from harness.campaign.crash import Crash, blame, is_interrupt
from harness.campaign.plan import Plan
from harness.contract import Abandon, RunInfo, Strategy, Task
from harness.engine.engines import make_engine
from harness.engine.execution import Execution, Outcome, Violation
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.strategies.round_robin import RoundRobin

__all__ = ["Batch", "BatchResult", "Crash", "Finding", "Stop", "Worker"]

PROBES = 16
"""Random executions that, with a round-robin one, measure the choice steps of an entry."""


class Stop(Protocol):
    """A flag that ends batches early (``threading.Event``, or one shared by processes)."""

    def is_set(self) -> bool:
        """Tell whether someone has asked to stop."""

    def set(self) -> None:
        """Ask everyone to stop."""


class Batch(msgspec.Struct, frozen=True):
    """Schedules ``first`` to ``first + count - 1`` of an entry."""

    entry: int
    first: int
    count: int


class Finding(msgspec.Struct, frozen=True):
    """An execution that broke a rule or reached a bound.

    ``index`` is its number in the entry, ``schedule`` what replays it, ``steps`` how many it had.
    """

    index: int
    schedule: str
    steps: int
    violations: tuple[Violation, ...]


class BatchResult(msgspec.Struct):
    """What a batch came to. ``done`` is less than asked when it stopped early.

    ``steps`` is the sum over its executions and ``seconds`` the time they took (monotonic clock);
    ``tasks`` and ``k`` are pct's n, and how many steps of an execution have a choice. ``reached``
    counts executions by the "sometimes" states they reached; ``pct_runs`` and
    ``longest`` are about the pct schedules, ``far_runs`` about those of them with the large k;
    ``bounded`` is the first execution that hit a bound. ``worker`` is the process that ran it.
    """

    entry: int
    first: int
    done: int = 0
    steps: int = 0
    seconds: float = 0.0
    tasks: int = 0
    k: int = 0
    pct_runs: int = 0
    far_runs: int = 0
    longest: int = 0
    reached: dict[int, int] = {}
    bounds: dict[str, int] = {}
    bounded: Finding | None = None
    findings: list[Finding] = []
    crash: Crash | None = None
    worker: int = 0


class Counting:
    """A strategy that counts the steps with a real choice of the one it wraps."""

    every_step = False

    def __init__(self, inner: Strategy) -> None:
        self.inner = inner
        self.count = 0

    def begin(self, info: RunInfo) -> bool:
        """Begin as the other does."""
        return self.inner.begin(info)

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        """Count, and choose as the other does."""
        self.count += 1
        return self.inner.choose(enabled, pending, current)

    def draw(self, name: str, k: int) -> int:
        """Draw as the other does."""
        return self.inner.draw(name, k)

    def end(self, outcome: Outcome) -> None:
        """End as the other does."""
        self.inner.end(outcome)


class Site:
    """An entry made ready to run in this process: its world, built once.

    ``k`` is what :meth:`measure` found; 0 before.

    Raises:
        UsageError: the world of ``spec`` cannot be built, as it or a variant says.
    """

    def __init__(self, spec: RunSpec, engine_name: str) -> None:
        self.spec = spec
        self.engine_name = engine_name
        self.world = spec.build(make_engine(self.engine_name).task_class)
        self.execution = Execution(self.world, RoundRobin())
        self.k = 0

    def measure(self) -> Generator[Execution, Outcome | None, None]:
        """Fix pct's k: the most choice steps of a round-robin and a few random executions."""
        strategies: list[Strategy] = [RoundRobin(), *(RandomWalk(i) for i in range(PROBES))]
        k = 1
        for inner in strategies:
            counting = Counting(inner)
            self.execution.strategy = counting
            yield self.execution
            k = max(k, counting.count)
        self.k = k

    def run(
        self, plan: Plan, batch: Batch, stop: Stop, result: BatchResult
    ) -> Generator[Execution, Outcome | None, None]:
        """Yield the executions of a batch to an engine, and add them up in ``result``.

        It ends early at the plan's deadline, when ``stop`` is set, and, unless the plan keeps
        going, at the first violation. Whatever the engine throws in passes through.
        """
        if not self.k:
            yield from self.measure()
        result.k = self.k
        result.tasks = len(self.world.slots)
        began = time.monotonic()
        execution, reached, deadline = self.execution, result.reached, plan.deadline
        for index in range(batch.first, batch.first + batch.count):
            if stop.is_set() or (deadline is not None and index and time.monotonic() >= deadline):
                break
            strategy = plan.strategy_of(batch.entry, index, self.k)
            execution.strategy = strategy
            outcome = yield execution
            assert outcome is not None
            result.seconds = time.monotonic() - began
            result.done += 1
            result.steps += outcome.steps
            reached[outcome.reached] = reached.get(outcome.reached, 0) + 1
            if type(strategy) is Pct:
                result.pct_runs += 1
                result.far_runs += plan.uses_far(index)
                result.longest = max(result.longest, strategy.steps)
            if outcome.bound:
                result.bounds[outcome.bound] = result.bounds.get(outcome.bound, 0) + 1
                result.bounded = result.bounded or self.finding(index, outcome)
            if outcome.violations:
                result.findings.append(self.finding(index, outcome))
                if not plan.keep_going:
                    break

    def finding(self, index: int, outcome: Outcome) -> Finding:
        """Return what is kept of an execution that just ended."""
        return Finding(
            index=index,
            schedule=str(self.spec.schedule(outcome)),
            steps=outcome.steps,
            violations=tuple(outcome.violations),
        )


class Worker:
    """Runs batches of a plan, in whatever process it is."""

    def __init__(self, plan: Plan, stop: Stop) -> None:
        self.plan = plan
        self.stop = stop
        self.sites: dict[int, Site] = {}

    def run(self, batch: Batch) -> BatchResult:
        """Run a batch; whatever it raises becomes the result's :class:`Crash`.

        Raises:
            KeyboardInterrupt: a Ctrl-C that nobody answers otherwise.
        """
        result = BatchResult(batch.entry, batch.first, worker=os.getpid())
        try:
            site = self.sites.get(batch.entry)
            if site is None:
                spec = self.plan.specs[batch.entry]
                site = self.sites[batch.entry] = Site(spec, self.plan.engine)
            make_engine(site.engine_name).drive(site.run(self.plan, batch, self.stop, result))
        except BaseException as error:  # whatever a variant raises, sys.exit() included
            if not is_interrupt(error):
                result.crash = self.crash(batch, batch.first + result.done, error)
            elif not self.stop.is_set():
                raise
        return result

    def crash(self, batch: Batch, index: int, error: BaseException) -> Crash:
        """Describe an exception: whose it is, where, and in which schedule."""
        spec = self.plan.specs[batch.entry]
        where = f"schedule {index} of scenario {spec.scenario!r}, seed {self.plan.seed}"
        return blame(spec, error, where)


class Here:
    """The worker of this process, once :func:`begin_worker` has been called in it."""

    worker: Worker


def begin_worker(plan: Plan, stop: Stop, folder: str) -> None:
    """Make this process a worker. It ends with its parent, and leaves Ctrl-C to it.

    Args:
        plan: the campaign that it works for.
        stop: the flag, shared with the parent, that ends batches early.
        folder: the parent's current directory, from which paths in ``plan`` are meant.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(folder)
    threading.Thread(target=end_with_parent, daemon=True).start()
    Here.worker = Worker(plan, stop)


def end_with_parent() -> None:
    """Leave at once when the parent is gone, however it went."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def run_batch(batch: Batch) -> BatchResult:
    """Run a batch in a worker process."""
    return Here.worker.run(batch)
