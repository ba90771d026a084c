"""What ``stress --keep-going`` says at its end: the few bugs behind many failures."""

import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

if TYPE_CHECKING:
    from harness.campaign.buckets import Bucket
    from harness.campaign.evidence import Evidence, Failure
    from harness.campaign.summary import Campaign

__all__ = ["Bug", "find_bugs", "print_bugs"]

SECONDS: Final = 90.0
"""CPU time for all of it: most campaigns need a third of that."""


class Bug(NamedTuple):
    """A bucket of failures, and the file that its shortest story is in, if that is long."""

    bucket: "Bucket"
    file: Path | None

    @property
    def replay(self) -> str:
        """What ``vgic-race replay`` takes for its story."""
        from harness.places import shown

        return str(self.bucket.schedule) if self.file is None else shown(self.file)

    def as_dict(self, *, bare: bool = False) -> dict[str, Any]:
        """Return what a summary says of it; ``bare``: its file as it lies in the folder."""
        replay = self.file.name if bare and self.file is not None else self.replay
        return {**self.bucket.as_dict(), "replay": replay}


def find_bugs(
    campaign: "Campaign",
    failures: "Sequence[Failure]",
    evidence: "Evidence",
    stop: Callable[[], bool],
    *,
    shrinking: bool,
) -> "list[Bug]":
    """Return the bugs behind the failures of a campaign, each with the file of its story.

    Args:
        campaign: one that was run, or cut short.
        failures: those of its failures that are kept, some of them shrunk.
        evidence: where long schedules go; it tells what could not be written.
        stop: is asked now and then; what is not done by then is left undone.
        shrinking: whether each story is to be made as short as it can be.

    Raises:
        UsageError: a variant of the user's raised something.

    """
    from harness.campaign.buckets import STEPS, Groups, Story, buckets_of
    from harness.campaign.crash import naming_variant
    from harness.engine.schedule import LINE_MAX
    from harness.errors import UsageError
    from harness.places import write_whole

    deadline = time.process_time() + SECONDS

    def is_over() -> bool:
        return stop() or time.process_time() >= deadline

    groups = Groups()
    for tally in campaign.tallies:
        groups.take(tally.groups)
    for failure in failures:
        if failure.shortest is not None:
            story = Story(failure.tally.spec, failure.finding)
            groups.know(story, failure.shortest.shrunk)
    with naming_variant(campaign.plan.specs[0]):
        buckets = buckets_of(groups, lambda: not is_over(), steps=STEPS if shrinking else 0)
    out: list[Bug] = []
    for number, bucket in enumerate(buckets, 1):
        bug = Bug(bucket, None)
        if len(str(bucket.schedule)) > LINE_MAX and not evidence.error:
            try:
                path = evidence.place(f"bug-{number}.schedule")
                write_whole(path, f"{bucket.schedule}\n".encode())
                bug = Bug(bucket, path)
            except UsageError as error:
                evidence.error = str(error)
        out.append(bug)
    return out


def print_bugs(bugs: "Sequence[Bug]") -> None:
    """Print each bug: how many failures, what decides, the alarms it raises, how to have it."""
    total = sum(bug.bucket.count for bug in bugs)
    many = f"{len(bugs)} bug{'' if len(bugs) == 1 else 's'}"
    click.echo(f"\n{total} failing schedules, {many} as far as can be told:")
    for number, bug in enumerate(bugs, 1):
        bucket = bug.bucket
        about = "" if bucket.exact else "about "
        scenarios = ", ".join(f"{name} x{n}" for name, n in most(bucket.scenarios))
        alarms = ", ".join(f"{name} x{n}" for name, n in most(bucket.alarms))
        click.echo(f"\n{number}. {about}{bucket.count} failures, {bucket.variant}: {alarms}")
        click.echo(f"   in {scenarios}")
        for line in reasons(bucket):
            click.echo(f"   {line}")
        click.echo(f"reproduce: vgic-race replay {shlex.quote(bug.replay)}")


def most(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return what was counted, the most first."""
    return sorted(counts.items(), key=lambda item: -item[1])


def reasons(bucket: "Bucket") -> list[str]:
    """Say what is known of a bug."""
    from harness.report.chain import moment_text

    found = bucket.explanation
    if found is None:
        return [f"{bucket.story.finding.violations[0].text}", "(there was no time to look into it)"]
    lines = [found.violation.text]
    if found.calm:
        lines.append("it fails in the calm order itself: no race is needed")
    if found.pairs:
        pair = found.pairs[0]
        lines.append(f"it takes: {moment_text(pair.first)} before {moment_text(pair.second)}")
    if found.cause is not None:
        lines.append(f"the era does otherwise in {moment_text(found.cause)}")
    if bucket.shrunk is not None:
        after = bucket.shrunk.after
        lines.append(f"its shortest story: {after.steps} steps, {after.switches} switches")
    return lines
