"""What a process of a campaign does: one batch of schedules of one entry at a time.

A world is built once per entry and process. Nothing is formatted while schedules pass; a batch
returns sums, and the schedules of the executions that failed, which are told at once as well.
"""

import os
import signal
import time
from collections.abc import Callable, Generator, Sequence

from harness.campaign.batches import Batch, BatchResult, Beat, Finding, Stop
from harness.campaign.crash import Crash, blame, is_interrupt
from harness.campaign.kept import again
from harness.campaign.plan import Plan
from harness.campaign.recalled import walks_for
from harness.contract import Abandon, RunInfo, Strategy, Task
from harness.engine.engines import make_engine
from harness.engine.execution import Execution, Outcome
from harness.guard.inspect import Inspection
from harness.guard.watch import watch
from harness.strategies.pct import Pct
from harness.strategies.round_robin import RoundRobin
from model.rules.windows import bits_of, split

__all__ = ["Worker"]

LEAST = 2
"""So many schedules of an entry are run however late it is."""
Tell = Callable[[int, Finding], None]
"""Is told of a finding of an entry, as soon as there is one."""


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

    ``walks`` runs its schedules where that is faster (``harness.campaign.recalled``). ``engine`` is
    the name of the engine that drives them; "": the plan's.

    Raises:
        UsageError: the world of its ``spec`` cannot be built, as it or a variant says.
    """

    def __init__(self, plan: Plan, entry: int, engine: str = "") -> None:
        self.spec = spec = plan.specs[entry]
        self.engine_name = engine or plan.engine
        self.walks = walks_for(plan, entry)
        self.world = spec.build(make_engine(self.engine_name).task_class)
        self.execution = Execution(self.world, RoundRobin())
        self.inspection = Inspection(self.world)

    def recalled(self, strategy: Strategy) -> Outcome | None:
        """Run a schedule over what is known of steps; None where the engine has to.

        What nobody asks of a clean execution is not in it: its choices and hand-overs.
        """
        if self.walks is None:
            return None
        clean = self.walks.run(strategy)
        if not self.walks.pays:
            self.walks = None
        if clean is None:
            return None
        reached, windows = split(clean.reached)
        return Outcome(clean.steps, 0, [], [], "", reached, clean.steps, windows)

    def finding(self, index: int, outcome: Outcome) -> Finding:
        """Return what is kept of an execution that just ended."""
        return Finding(
            index=index,
            schedule=str(self.spec.schedule(outcome)),
            steps=outcome.steps,
            violations=tuple(outcome.violations),
        )


class Worker:
    """Runs batches of a plan, in whatever process it is.

    Args:
        plan: the campaign.
        stop: the flag that ends batches early.
        tell: is told of each finding at once.
        beat: is told which schedule is next, in a careful batch.

    """

    def __init__(
        self,
        plan: Plan,
        stop: Stop,
        tell: Tell = lambda _entry, _finding: None,
        beat: Callable[[Beat], None] = lambda _beat: None,
    ) -> None:
        self.plan = plan
        self.stop = stop
        self.tell = tell
        self.beat = beat
        watch.deadline = plan.deadline
        self.sites: dict[int, Site] = {}
        self.entry = self.index = -1
        """What it is at, for who watches."""
        self.since = 0.0
        """The CPU time of this process when it began with that, in seconds."""

    def run(self, batch: Batch) -> BatchResult:
        """Run a batch; whatever it raises becomes the result's :class:`Crash`.

        Raises:
            KeyboardInterrupt: a Ctrl-C that nobody answers otherwise.
        """
        result = BatchResult(
            batch.entry, batch.first, batch.count, batch.stride, worker=os.getpid()
        )
        self.at(batch, batch.first)
        try:
            if batch.again:
                self.follow(batch, result)
                return result
            site = self.sites.get(batch.entry)
            if site is None:
                site = self.sites[batch.entry] = Site(self.plan, batch.entry)
            with site.inspection.looking():
                make_engine(site.engine_name).drive(self.executions(site, batch, result))
        except BaseException as error:  # whatever a variant raises, sys.exit() included
            # Where Ctrl-C is left to the campaign, it is the variant that raised this.
            deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            if deaf or not is_interrupt(error):
                index = batch.first + result.done * batch.stride
                result.crash = self.crash(batch, index, error)
            elif not self.stop.is_set():
                raise
        self.entry = -1
        return result

    def follow(self, batch: Batch, result: BatchResult) -> None:
        """Follow kept schedules, as far as they fit still, until one of them fails."""
        entry = self.plan.specs[batch.entry]
        engine = make_engine(self.plan.engine)
        outcomes: list[Outcome] = []

        def once() -> Generator[Execution, Outcome | None, None]:
            outcome = yield execution
            assert outcome is not None
            outcomes.append(outcome)

        result.count = 1
        for text in batch.again:
            followed = again(text, entry)
            if followed is None:
                continue
            spec, strategy = followed
            execution = Execution(spec.build(engine.task_class), strategy)
            engine.drive(once())
            outcome = outcomes.pop()
            result.done = 1
            if outcome.violations:
                finding = Finding(
                    index=batch.first,
                    schedule=str(spec.schedule(outcome)),
                    steps=outcome.steps,
                    violations=tuple(outcome.violations),
                )
                self.tell(batch.entry, finding)
                result.findings.append(finding)
                return

    def at(self, batch: Batch, index: int) -> None:
        """Note which schedule is next."""
        self.entry, self.index, self.since = batch.entry, index, time.process_time()
        if batch.careful:
            self.beat(self.state())

    def state(self) -> Beat:
        """Return what it is at."""
        return Beat(self.entry, self.index, time.process_time() - self.since)

    def executions(
        self, site: Site, batch: Batch, result: BatchResult
    ) -> Generator[Execution, Outcome | None, None]:
        """Yield the executions of a batch to an engine, and add them up in ``result``.

        It ends early at the plan's deadline, when the flag is set, and, unless the plan keeps
        going, at the first violation. Whatever the engine throws in passes through.
        """
        plan = self.plan
        k = result.k = batch.k
        result.tasks = len(site.world.slots)
        began = time.monotonic()
        execution, reached, deadline = site.execution, result.reached, plan.deadline
        for index in batch.indices:
            if self.stop.is_set() or (
                deadline is not None and index >= LEAST and time.monotonic() >= deadline
            ):
                break
            self.at(batch, index)
            strategy = plan.strategy_of(batch.entry, index, k)
            counting = None
            outcome = site.recalled(strategy) if batch.k else None
            if outcome is None:
                strategy = plan.strategy_of(batch.entry, index, k)
                if not batch.k and type(strategy) is not Pct:
                    counting = Counting(strategy)
                run = site.inspection.execution(counting or strategy, index, execution)
                outcome = yield run
                assert outcome is not None
                site.inspection.check(run)
            result.seconds = time.monotonic() - began
            result.done += 1
            result.steps += outcome.steps
            reached[outcome.reached] = reached.get(outcome.reached, 0) + 1
            for bit in bits_of(outcome.windows):
                # Each by itself, so that there are not as many keys as combinations.
                reached[bit] = reached.get(bit, 0) + 1
            if counting is not None:
                k = result.k = max(k, counting.count)
            elif batch.k and type(strategy) is Pct:
                result.pct_runs += 1
                result.far_runs += plan.uses_far(index)
                result.longest = max(result.longest, strategy.steps)
            if outcome.bound:
                result.bounds[outcome.bound] = result.bounds.get(outcome.bound, 0) + 1
                result.bounded = result.bounded or site.finding(index, outcome)
            if outcome.violations:
                finding = site.finding(index, outcome)
                self.tell(batch.entry, finding)
                result.findings.append(finding)
                if not plan.keep_going:
                    break

    def crash(self, batch: Batch, index: int, error: BaseException) -> Crash:
        """Describe an exception: whose it is, where, and in which schedule."""
        spec = self.plan.specs[batch.entry]
        where = f"schedule {index} of scenario {spec.scenario!r}, seed {self.plan.seed}"
        return blame(spec, error, where)
