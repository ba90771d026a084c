"""Several parts of a campaign as the one campaign that they are.

A part is a folder of ``stress``: of a shard, or of a campaign that was cut off. The sums of all
batches are added up; findings are sorted by their number first, so that what is kept of many, and
in which order, is as if one process had run them all. Where an entry ends at its first violation,
only what comes before it counts, whichever part it is in: of a batch that goes beyond, the part
that counts is run again, since only its sum is known.
"""

import threading
from collections.abc import Iterable, Sequence

import msgspec

from harness.campaign.batches import Batch, BatchResult, Finding
from harness.campaign.plan import Plan
from harness.campaign.record import Past
from harness.campaign.summary import Campaign, Tally
from harness.campaign.workers import Worker
from harness.errors import UsageError

__all__ = ["merged", "merged_plan", "merged_results"]


def merged_plan(parts: Sequence[Past]) -> Plan:
    """Return the plan that all parts are of.

    Raises:
        UsageError: they are not parts of one campaign: what differs, and where.
    """
    first = parts[0]
    for part in parts[1:]:
        for name in ("seed", "specs", "schedules", "strategy", "depth", "keep_going"):
            one, other = getattr(first.plan, name), getattr(part.plan, name)
            if one != other:
                shown = "" if name == "specs" else f" ({one!r} and {other!r})"
                raise UsageError(
                    f"{str(first.folder)!r} and {str(part.folder)!r} are no parts of one campaign: "
                    f"their {'scenarios or variants' if name == 'specs' else name} differ{shown}"
                )
        if first.begun.origins != part.begun.origins:
            raise UsageError(
                f"{str(first.folder)!r} and {str(part.folder)!r} are no parts of one campaign: the "
                "code of vgic-race, of a scenario or of a variant differs"
            )
    return msgspec.structs.replace(first.plan, shard=None, jobs=1, dask="", deadline=None)


def merged_results(parts: Sequence[Past], plan: Plan) -> list[list[BatchResult]]:
    """Return of each entry all batches, each once, in the order of their first schedules.

    A finding whose batch did not come in counts as a batch of one.

    Raises:
        UsageError: two parts have the same schedules.
    """
    out = []
    for entry in range(len(plan.specs)):
        budget = plan.budget(entry)
        common = plan.measuring if budget is None else min(plan.measuring, budget)
        taken: dict[int, str] = {}
        results: dict[tuple[int, int], BatchResult] = {}
        for part in parts:
            where = str(part.folder)
            for result in part.results[entry]:
                add(results, taken, result, where, common=common, of=plan.specs[entry].scenario)
            for finding in part.loose[entry]:
                if finding.index not in taken:
                    lone = lone_result(entry, finding)
                    results[finding.index, 1] = lone
                    taken[finding.index] = where
        out.append([result for _, result in sorted(results.items())])
    return out


def add(
    results: dict[tuple[int, int], BatchResult],
    taken: dict[int, str],
    result: BatchResult,
    where: str,
    *,
    common: int,
    of: str,
) -> None:
    """Add a batch; of the measuring ones, which each shard has, the one that came furthest.

    Raises:
        UsageError: another part has one of its schedules.
    """
    key = result.first, result.stride
    known = results.get(key)
    if result.first == 0 and known is not None and known.done <= result.done:
        results[key] = result
    elif result.first == 0 and known is not None:
        return
    indices = range(result.first, result.first + result.done * result.stride, result.stride)
    for index in indices:
        other = taken.setdefault(index, where)
        if other != where and index >= common:
            raise UsageError(f"schedule {index} of {of!r} is in {other!r} and in {where!r}")
    results[key] = result


def lone_result(entry: int, finding: Finding) -> BatchResult:
    """Return a finding as a batch of its own."""
    return BatchResult(
        entry, finding.index, count=1, done=1, steps=finding.steps, findings=[finding]
    )


def merged(plan: Plan, results: Sequence[Sequence[BatchResult]]) -> Campaign:
    """Return the campaign that all these batches are; ``interrupted`` if schedules are missing.

    Raises:
        UsageError: a scenario or variant that the plan names cannot be had.
    """
    tallies = [Tally.of(plan, entry) for entry in range(len(plan.specs))]
    campaign = Campaign(plan=plan, tallies=tallies)
    for entry, tally in enumerate(tallies):
        counted = list(results[entry])
        if not plan.keep_going:
            counted = until_failure(plan, counted)
        add_up(tally, counted)
        budget = plan.budget(entry)
        closed = bool(tally.broken) and not plan.keep_going
        if budget is not None and tally.schedules < budget and not closed:
            campaign.interrupted = True
        crashes = [result.crash for result in counted if result.crash is not None]
        campaign.crash = campaign.crash or next(iter(crashes), None)
        campaign.seconds += tally.seconds
    return campaign


def until_failure(plan: Plan, results: Iterable[BatchResult]) -> list[BatchResult]:
    """Return what comes up to the first failing schedule, in order."""
    results = list(results)
    failing = [finding.index for result in results for finding in result.findings]
    if not failing:
        return results
    last = min(failing)
    worker = Worker(plan, threading.Event())
    out = []
    for result in results:
        if result.first > last:
            continue
        wanted = (last - result.first) // result.stride + 1
        if wanted < result.done:
            k = 0 if result.first < plan.measuring else result.k
            again = worker.run(Batch(result.entry, result.first, wanted, result.stride, k))
            result = msgspec.structs.replace(again, seconds=result.seconds)  # noqa: PLW2901
        out.append(result)
    return out


def add_up(tally: Tally, results: Iterable[BatchResult]) -> None:
    """Add batches to a tally, and then their findings in the order of their numbers."""
    findings: list[Finding] = []
    bounded: list[Finding] = []
    for result in results:
        findings += result.findings
        bounded += [] if result.bounded is None else [result.bounded]
        tally.add(msgspec.structs.replace(result, findings=[]))
    findings.sort(key=lambda finding: finding.index)
    tally.bounded = min(bounded, key=lambda finding: finding.index, default=None)
    tally.add(BatchResult(0, 0, findings=findings))
