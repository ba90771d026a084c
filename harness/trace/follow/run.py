"""Following whole traces: from a file to what was compared in it."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from harness.trace.follow.excuses import EXCUSES, excuse
from harness.trace.follow.follower import Follower
from harness.trace.follow.kernels import OLDER, Kernel
from harness.trace.follow.tally import NOT_SHOWN, Difference, Tally
from harness.trace.line import Counts, records
from harness.trace.source import Source
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

__all__ = ["Result", "as_dict", "follow_trace", "summary_of", "verdict_of"]


class Result(msgspec.Struct, frozen=True):
    """What following one trace came to."""

    name: str
    counts: Counts
    kernel: Kernel
    learnt: bool
    vms: int
    tally: Tally
    damage: str

    @property
    def verdict(self) -> str:
        """Violated where the kernel decided otherwise; inconclusive if nothing was compared."""
        if self.tally.counts:
            return VIOLATED
        return CLEAN if self.tally.compared else INCONCLUSIVE


def follow_trace(name: str, kernel: Kernel | None = None, over: Iterable[type] = ()) -> Result:
    """Follow the trace in the file ``name`` (``-``: standard input).

    Args:
        name: the file.
        kernel: which kernel it is of; None: learn it from the trace.
        over: hooks to lay over the hypervisor: planted faults.

    Raises:
        UsageError: it cannot be read, or there is no event of ftrace in it.

    """
    follower = Follower(kernel or Kernel(OLDER), excuse, over, given=kernel is not None)
    counts = Counts()
    with Source(name) as source:
        for record in records(follower.heard(source), counts):
            follower.feed(record)
    if not counts.events:
        raise source.bad("there is no event in it, expected the text that ftrace prints")
    return Result(
        name=name, counts=counts, kernel=follower.kernel, learnt=kernel is None,
        vms=len(follower.vms), tally=follower.tally, damage=source.damage,
    )  # fmt: skip


def verdict_of(verdicts: Iterable[str]) -> str:
    """Return the verdict over several traces.

    One is violated if any is, and clean if in any something was compared.
    """
    seen = set(verdicts)
    return next((v for v in (VIOLATED, CLEAN) if v in seen), INCONCLUSIVE)


def difference_dict(difference: Difference, name: str) -> dict[str, object]:
    """Return a difference as a violation of a report; times are in seconds, as in the trace."""
    return {
        "type": "difference",
        "rule": difference.kind,
        "text": difference.text(),
        "trace": name,
        "line": difference.line,
        "time": difference.seconds(),
        "event": difference.event,
        "vcpu": difference.vcpu,
        "intid": difference.intid,
        "expected": difference.expected,
        "seen": difference.seen,
        "state": difference.state,
    }


def as_dict(result: Result) -> dict[str, object]:
    """Return what following a trace came to, as a JSON line."""
    tally, counts = result.tally, result.counts
    return {
        "type": "trace",
        "trace": result.name,
        "verdict": result.verdict,
        "kernel": result.kernel.name,
        "kernel_learnt": result.learnt,
        "vms": result.vms,
        "lines": counts.lines,
        "events": counts.events,
        "lost": counts.lost,
        "damage": result.damage,
        "compared": compared_of([tally]),
        "not_compared": not_compared_of([tally]),
        "differences": [difference_dict(d, result.name) for d in tally.differences],
        "different": tally.counts.total(),
        "excused": excused_of([tally]),
    }


def summary_of(results: list[Result], verdict: str) -> dict[str, object]:
    """Return the summary over all traces."""
    tallies = [result.tally for result in results]
    found = [difference_dict(d, r.name) for r in results for d in r.tally.differences]
    return {
        "type": "summary",
        "verdict": verdict,
        "violations": found,
        "traces": len(results),
        "lines": sum(result.counts.lines for result in results),
        "events": sum(result.counts.events for result in results),
        "compared": compared_of(tallies),
        "not_compared": not_compared_of(tallies),
        "not_shown": not_shown_of(tallies),
        "differences": found,
        "different": sum(tally.counts.total() for tally in tallies),
        "excused": excused_of(tallies),
    }


def compared_of(tallies: list[Tally]) -> dict[str, int]:
    """Return how many decisions were compared, by kind."""
    kinds = sorted({kind for tally in tallies for kind in (*tally.equal, *tally.counts)})
    return {kind: sum(t.equal[kind] + t.counts[kind] for t in tallies) for kind in kinds}


def not_compared_of(tallies: list[Tally]) -> list[dict[str, object]]:
    """Return what was not compared: kind of decision, reason, how often."""
    total: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        total.update(tally.not_compared)
    return [
        {"kind": kind, "reason": reason, "count": count}
        for (kind, reason), count in sorted(total.items())
    ]


def not_shown_of(tallies: list[Tally]) -> dict[str, str]:
    """Return what some of the traces did not show, and why it is not compared there."""
    return {
        what: why for what, why in NOT_SHOWN.items() if any(what not in t.shown for t in tallies)
    }


def excused_of(tallies: list[Tally]) -> list[dict[str, object]]:
    """Return the excuses that applied, and how often."""
    return [
        {"excuse": each.id, "kind": each.kind, "reason": each.reason, "count": count}
        for each in EXCUSES
        if (count := sum(tally.excused[each.id] for tally in tallies))
    ]
