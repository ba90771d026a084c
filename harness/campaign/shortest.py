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

__all__ = ["keep", "shorten_failures"]

STEPS: Final = 300_000
"""What shrinking one failure of a campaign may cost, in steps: some three seconds."""
SECONDS: Final = 30.0
"""Wall time for all failures: only so that it ends where there are many, or the machine is slow."""


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
        if failure.log is None or key in done or time.monotonic() >= deadline or stop():
            continue
        done.add(key)
        try:
            shrunk = shrink(
                spec,
                Schedule.parse(failure.finding.schedule),
                first,
                Budget(STEPS, deadline, stop),
                PROOFS[:1],
            )
            rules = None if spec.rules is None else frozenset(spec.rules)
            failure.shortest = keep(shrunk, failure.log.with_suffix(".shrunk.schedule"), rules)
        except WriteError as error:
            evidence.error = evidence.error or str(error)
            break
        except Exception as error:
            told.append(f"not shrunk: {blame(spec, error, f'scenario {spec.scenario!r}').text}")
    return told
