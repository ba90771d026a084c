"""What a marked test is given: it runs the schedules of its scenario and says what came of it.

::

    @pytest.mark.race(scenario="timer-wfi", variant="mine.py:Mine", schedules=200)
    def test_mine(race):
        race.run()


    @pytest.mark.race(scenario="migrate", variant="mine.py:Mine")
    async def test_mine_in_trio(race):
        with trio.fail_after(60):
            await race.run_async()

The schedules are those of ``vgic-race stress`` with the same seed, whichever way they are run. One
that fails is kept where ``stress`` keeps its own (``harness.campaign.kept``), and either tries it
first the next time.
"""

import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from harness.campaign.batches import Batch, BatchResult, Finding
from harness.campaign.crash import blame, is_interrupt
from harness.campaign.kept import again, default_store
from harness.campaign.plan import Plan
from harness.campaign.summary import Tally
from harness.campaign.workers import Site, Worker
from harness.engine.engines import make_engine
from harness.engine.execution import Execution, Outcome
from harness.engine.trio_engine import TrioEngine
from harness.errors import UsageError
from harness.pytest_plugin.story import tell
from harness.pytest_plugin.wanted import Wanted, make_plan, read_mark
from harness.spec import RunSpec
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

__all__ = ["Race", "RaceFailed", "Result", "make_race"]

Campaign = Generator[Execution, Outcome | None, None]


class Result(msgspec.Struct, frozen=True):
    """What the schedules of a test came to.

    Attributes:
        verdict: "clean", "violated" or "inconclusive".
        schedules: how many were run, in all.
        steps: how many steps they had.
        reached: by the name of a "sometimes" state of the scenario in how many it was reached.
        unmet: those that none reached; of few schedules that says little.
        rules: the ids of the rules that were broken first, each once.

    """

    verdict: str
    schedules: int
    steps: int
    reached: dict[str, int]
    unmet: tuple[str, ...]
    rules: tuple[str, ...]


class RaceFailed(AssertionError):  # noqa: N818  # it is what a test comes to
    """A schedule that fails, or none that does where one should; its text says so in a line.

    pytest prints :meth:`story` in place of a traceback.
    """

    race_story = True

    def __init__(self, text: str, spec: RunSpec | None = None, finding: Finding | None = None,
                 *, name: str = "", shrink: bool = True) -> None:  # fmt: skip
        super().__init__(text)
        self.text = text
        self.spec = spec
        self.finding = finding
        self.name = name
        self.shrink = shrink

    def story(self) -> str:
        """Return the shortest story of the failure, its log and the command that has it again."""
        if self.spec is None or self.finding is None:
            return self.text
        told = tell(self.spec, self.finding, self.name, shrinking=self.shrink)
        return f"{self.text}\n\n{told}"


class Race:
    """Runs the schedules of one test; ``has_run`` says whether they were begun."""

    def __init__(self, wanted: Wanted, plan: Plan, name: str) -> None:
        self.wanted = wanted
        self.plan = plan
        self.name = name
        self.store = default_store() if wanted.expect == CLEAN else None
        self.has_run = False

    def run(self) -> Result:
        """Run all schedules in a plain loop; return what they came to.

        Raises:
            RaceFailed: it is not as the mark expects.

        """
        with Sums(self) as sums:
            for entry in range(len(self.plan.specs)):
                make_engine("direct").drive(sums.entry(entry, "direct"))
        return sums.result()

    async def run_async(self) -> Result:
        """Do as :meth:`run` on the Trio engine, in the Trio program that awaits this.

        Its actors are tasks of a nursery within; a cancellation ends them and comes out.

        Raises:
            RaceFailed: it is not as the mark expects.

        """
        with Sums(self) as sums:
            for entry in range(len(self.plan.specs)):
                await TrioEngine().run(sums.entry(entry, "trio"))
        return sums.result()


class Sums:
    """What one run of a test's schedules comes to; as a context it says whose an exception is."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.plan = race.plan
        self.at = self.plan.specs[0]
        self.tallies: list[Tally] = []
        self.again: list[tuple[RunSpec, RunSpec, Finding]] = []
        """What failed before and fails still: of which entry, and as what it was run."""
        race.has_run = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or is_interrupt(error) or type(error).__name__ == "Cancelled":
            return
        if isinstance(error, UsageError):
            raise RaceFailed(f"race: {error}") from error
        crash = blame(self.at, error, f"scenario {self.at.scenario!r}")
        if crash.usage and isinstance(error, Exception):
            raise RaceFailed(f"race: {crash.text}") from error

    def entry(self, entry: int, engine: str) -> Campaign:
        """Yield the executions of an entry: those that failed before first."""
        spec = self.at = self.plan.specs[entry]
        yield from self.kept(spec, engine)
        tally = Tally.make(spec, self.plan.depth, self.plan.strategy)
        self.tallies.append(tally)
        if any(each is spec for each, _, _ in self.again):
            return
        worker = Worker(self.plan, threading.Event())
        site = Site(self.plan, entry, engine)
        count, k = self.plan.budget(entry) or 1, 0
        first = min(self.plan.measuring, count)  # these say what pct must know for the others
        for begin, end in ((0, first), (first, count)):
            if begin == end or tally.broken:
                continue
            result = BatchResult(entry, begin)
            batch = Batch(entry, begin, end - begin, k=k)
            yield from worker.executions(site, batch, result)
            k = result.k
            tally.add(result)

    def kept(self, spec: RunSpec, engine: str) -> Campaign:
        """Yield executions that follow what failed before, and note how it went."""
        store = self.race.store
        for failed in [] if store is None else store.of(spec):
            fails = False
            for text in failed.schedules:
                followed = again(text, spec)
                if followed is None:
                    continue
                now, strategy = followed
                world = now.build(make_engine(engine).task_class)
                outcome = yield Execution(world, strategy)
                if outcome is not None and outcome.violations:
                    whole, broken = str(now.schedule(outcome)), tuple(outcome.violations)
                    self.again.append((spec, now, Finding(-1, whole, outcome.steps, broken)))
                    fails = True
                    break
            assert store is not None
            store.note(failed, violated=fails)

    def failing(self) -> list[tuple[RunSpec, RunSpec, Finding]]:
        """Return the failing schedules, those of before first."""
        return [*self.again, *((t.spec, t.spec, f) for t in self.tallies for f in t.findings)]

    def result(self) -> Result:
        """Return what all came to.

        Raises:
            RaceFailed: it is not as the mark expects.

        """
        race, failing = self.race, self.failing()
        for spec, _, finding in failing[len(self.again) :]:
            if race.store is not None:
                race.store.keep(spec, finding)
        schedules = sum(t.schedules for t in self.tallies) + len(self.again)
        bounds = [f"{n} x {bound}" for t in self.tallies for bound, n in t.bounds.items()]
        broken = [finding.violations[0].rule for *_, finding in failing]
        verdict = VIOLATED if failing else INCONCLUSIVE if bounds else CLEAN
        if race.wanted.expect == VIOLATED:
            seen = {id(spec) for spec, *_ in failing}
            for spec in self.plan.specs:
                if id(spec) not in seen:
                    raise RaceFailed(f"NOT FOUND: {self.what(spec)}, expected violated")
        elif failing:
            spec, ran, finding = failing[0]
            which = f"schedule {finding.index}" if finding.index >= 0 else "one that failed before"
            raise RaceFailed(
                f"{self.what(spec)}: {which} breaks {finding.violations[0].rule}",
                ran, finding, name=race.name, shrink=race.wanted.shrink,
            )  # fmt: skip
        elif bounds:
            raise RaceFailed(
                f"INCONCLUSIVE: {self.what(self.plan.specs[0])}: a bound was reached "
                f"({', '.join(bounds)}), expected clean"
            )
        reached = {n: sum(t.times_reached(n) for t in self.tallies if n in t.wanted)
                   for t in self.tallies for n in t.wanted}  # fmt: skip
        unmet = tuple(name for name, count in reached.items() if not count)
        return Result(verdict, schedules, sum(t.steps for t in self.tallies), reached, unmet,
                      tuple(dict.fromkeys(broken)))  # fmt: skip

    def what(self, spec: RunSpec) -> str:
        """Name an entry as ``stress`` would run it."""
        plan = self.plan
        return (
            f"{spec.scenario} {spec.variant}, {plan.budget(self.plan.specs.index(spec))} schedules "
            f"with strategy {plan.strategy} and seed {plan.seed}"
        )


def make_race(said: Mapping[str, Any], *, name: str, folders: tuple[Path, ...]) -> Race:
    """Check what a mark says, and make what the test is given.

    Args:
        said: the mark's arguments.
        name: the test's name, for the folder of a failure.
        folders: where files are looked for that are not in the current folder.

    Raises:
        UsageError: an argument is wrong, and what was expected.

    """
    wanted = read_mark(said)
    return Race(wanted, make_plan(wanted, folders), name)
