"""The shortest story of each failure that a campaign keeps, and where one is kept."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from harness.campaign.crash import blame
from harness.campaign.evidence import Evidence, Failure
from harness.engine.schedule import Schedule
from harness.places import WriteError, write_whole
from harness.search.hunt import Budget
from harness.search.shrink import PROOFS, shrink
from harness.search.shrunk import Kept, Shrunk
from harness.spec import RunSpec

__all__ = ["SoFar", "keep", "shorten_failures"]

STEPS: Final = 300_000
"""What shrinking one failure of a campaign may cost, in steps: some three seconds."""
SECONDS: Final = 30.0
"""Wall time for all failures: only so that it ends where there are many, or the machine is slow."""

EVERY: Final = 0.5
"""How often the best so far is written at most, in seconds."""


class SoFar:
    """Keeps the best so far on disk while a failure is shrunk, so that no kill can lose it.

    It is in a file of its own beside ``path``, which is replaced whole; :meth:`end` removes it.

    Args:
        path: where the schedule goes in the end.
        stop: asked now and then, and so is this.
        clock: tells the time in seconds.

    """

    def __init__(
        self, path: Path, stop: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path.with_name(f"{path.name.removesuffix('.schedule')}.so-far.schedule")
        self.asked = stop
        self.clock = clock
        self.last: Callable[[], Schedule | None] | None = None
        self.next = 0.0

    def better(self, schedule: Callable[[], Schedule | None]) -> None:
        """Note a better one; it is written at once, or as soon as it may be."""
        self.last = schedule

    def stop(self) -> bool:
        """Write what was noted, if it is time; tell whether to stop.

        Raises:
            WriteError: the file cannot be written.

        """
        if self.last is not None and (now := self.clock()) >= self.next:
            schedule, self.last = self.last(), None
            if schedule is not None:
                write_whole(self.path, f"{schedule}\n".encode())
            self.next = now + EVERY
        return self.asked()

    def end(self) -> None:
        """Remove the file: the result is where it belongs."""
        self.path.unlink(missing_ok=True)


def keep(shrunk: Shrunk, path: Path, rules: frozenset[str] | None = None) -> Kept:
    """Write the schedule of a shrunk failure to ``path``, and its log beside it.

    Files of these names are replaced, each by one that appears whole.

    Args:
        shrunk: what is kept.
        path: where its schedule goes; the log's name ends in ``.jsonl`` instead.
        rules: the ids of those that are checked; None: all.

    Raises:
        WriteError: a file cannot be written.

    """
    from harness.log.record import remember

    log = path.with_suffix(".jsonl")
    spec = RunSpec.from_schedule(shrunk.schedule, rules)
    _, data = remember(spec, shrunk.schedule, log, engine="direct", seed=None)
    write_whole(path, f"{shrunk.schedule}\n".encode())
    write_whole(log, data)
    return Kept(shrunk, path, log)


def shorten_failures(
    failures: Sequence[Failure], evidence: Evidence, stop: Callable[[], bool]
) -> list[str]:
    """Shrink the first failure of each rule, alarm and variant that has a log, and keep that, too.

    Each has a budget in steps, all together one in seconds. What goes wrong hides nothing that was
    found: the failure then stays as it is.

    Args:
        failures: those of a campaign, in their order.
        evidence: where files go.
        stop: asked now and then; it ends when that returns True.

    Returns:
        A line for each failure that could not be shrunk.

    """
    done = set()
    told = []
    deadline = time.monotonic() + SECONDS
    for failure in failures:
        first = failure.finding.violations[0]
        spec = failure.tally.spec
        key = (first.rule, first.alarm, spec.variant)
        if (
            failure.log is None
            or failure.kept
            or key in done
            or time.monotonic() >= deadline
            or stop()
        ):
            continue
        done.add(key)
        path = failure.log.with_suffix(".shrunk.schedule")
        so_far = SoFar(path, stop)
        try:
            shrunk = shrink(
                spec,
                Schedule.parse(failure.finding.schedule),
                first,
                Budget(STEPS, deadline, so_far.stop),
                PROOFS[:1],
                so_far.better,
            )
            rules = None if spec.rules is None else frozenset(spec.rules)
            failure.shortest = keep(shrunk, path, rules)
            so_far.end()
        except WriteError as error:
            evidence.error = evidence.error or str(error)
            break
        except Exception as error:
            told.append(f"not shrunk: {blame(spec, error, f'scenario {spec.scenario!r}').text}")
    return told
