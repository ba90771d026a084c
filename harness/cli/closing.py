"""The end of a campaign, whether it was run just now or put together: what it leaves and says."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from harness.campaign.evidence import Evidence, Failure
from harness.campaign.shortest import shorten_failures
from harness.campaign.summary import Campaign
from harness.cli.bugs import Bug, find_bugs, print_bugs
from harness.cli.output import print_json

__all__ = ["Closed", "close", "complain", "print_closed"]


class Closed(msgspec.Struct):
    """A campaign that is over: its failures, the bugs behind them, and what is said of it."""

    campaign: Campaign
    evidence: Evidence
    failures: Sequence[Failure]
    bugs: Sequence[Bug]

    def summary(self, *, bare: bool = False) -> dict[str, Any]:
        """Return the summary object of --json; ``bare``: files as they lie in the folder."""
        campaign = self.campaign
        plan = campaign.plan
        violations = [each for some in self.failures for each in some.as_dicts(bare=bare)]
        summary: dict[str, Any] = {
            "type": "summary",
            "verdict": campaign.verdict,
            "violations": violations,
            "schedules": campaign.schedules,
            "steps": campaign.steps,
            "seconds": round(campaign.seconds, 3),
            "seed": plan.seed,
            "strategy": plan.strategy,
            "depth": plan.depth,
            "interrupted": campaign.interrupted,
            "entries": [tally.as_dict() for tally in campaign.tallies],
        }
        if plan.shard is not None:
            summary["shard"] = str(plan.shard)
        if campaign.again:
            summary["kept"] = [again.as_dict() for again in campaign.again]
        if plan.keep_going:
            summary["buckets"] = [bug.as_dict(bare=bare) for bug in self.bugs]
        return summary


def close(
    campaign: Campaign,
    evidence: Evidence,
    stop: Callable[[], bool],
    *,
    shrinking: bool,
    arguments: Sequence[str],
) -> Closed:
    """Write down what a campaign found, whole logs and shortest stories, and campaign.json.

    Args:
        campaign: one that has run.
        evidence: where files go.
        stop: asked now and then; it ends when that returns True.
        shrinking: whether failures are made as short as they can be.
        arguments: of the command that has this campaign.

    Raises:
        UsageError: a variant of the user's raised something.
    """
    failures = evidence.keep(campaign)
    if shrinking:
        for line in shorten_failures(failures, evidence, stop):
            complain(line)
    bugs: list[Bug] = []
    if campaign.plan.keep_going:
        bugs = find_bugs(campaign, failures, evidence, stop, shrinking=shrinking)
    closed = Closed(campaign, evidence, failures, bugs)
    began = datetime.now(UTC).isoformat()
    evidence.finish({"began": began, "arguments": list(arguments), **closed.summary(bare=True)})
    return closed


def print_closed(closed: Closed, *, as_json: bool, verbose: bool, quiet: bool) -> None:
    """Print what a campaign came to: for machines, in one line if ``quiet``, or as a table.

    Raises:
        OSError: nobody reads it, or it cannot be written.
    """
    campaign, failures, evidence = closed.campaign, closed.failures, closed.evidence
    if as_json:
        summary = closed.summary()
        for entry in summary["entries"]:
            print_json({"type": "entry", **entry})
        print_json(summary)
        sys.stdout.flush()
        return
    from harness.report.campaign_text import one_line, show_campaign
    from harness.report.console import make_console

    if quiet:
        click.echo(one_line(campaign, failures))
    else:
        show_campaign(make_console(), campaign, failures, evidence, verbose=verbose)
        if closed.bugs:
            print_bugs(closed.bugs)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Say something on stderr; one that is closed, or a terminal that is gone, changes nothing."""
    try:
        click.echo(text, err=True)
    except OSError:
        return
