"""A campaign as a page: a table of what was found, and the shortest story of each kind.

Failures are of one kind if scenario and variant are the same, and the first rule that they broke,
and by which alarm.
"""

import shlex
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import UsageError
from harness.log.reader import Log, parse_log, read_log
from harness.places import shown
from harness.report.chain import Said
from harness.report.course import course_of
from harness.report.known import finding_of
from harness.report.page import Section, failure_section, page_of
from harness.report.page_text import facts_list, safe, table_of
from harness.report.terminal import Report
from harness.verdict import VIOLATED

__all__ = ["CampaignFile", "buckets_of", "campaign_page", "log_of", "read_campaign", "replay_of"]

STORIES_MAX = 24
"""So many kinds have their story in the page; the others their schedule only."""
NAME = "campaign.json"
RUN_HEAD = ("schedules", "scenario", "variant", "steps", "verdict", "broken, or why it is open")


class Entry(msgspec.Struct, frozen=True):
    """A row of the campaign: a scenario under a variant, and what it came to."""

    scenario: str
    variant: str
    verdict: str
    schedules: int
    steps: int
    broken: dict[str, int] = {}
    reasons: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """A broken rule of a failing execution, the first one of the execution first."""

    rule: str
    text: str
    scenario: str
    variant: str
    schedule: str
    steps: int
    execution: int
    alarm: str = ""
    log: str | None = None
    schedule_file: str | None = None


class CampaignFile(msgspec.Struct, frozen=True):
    """What campaign.json says, as far as a report shows it; ``folder`` is where it lies."""

    verdict: str
    entries: tuple[Entry, ...]
    violations: tuple[Found, ...]
    schedules: int
    steps: int
    seed: int
    strategy: str = ""
    began: str = ""
    seconds: float = 0.0
    arguments: tuple[str, ...] = ()
    folder: str = "."


class Bucket(NamedTuple):
    """Failures of one kind: how many were kept, and the one with the fewest steps."""

    number: int
    kept: int
    best: Found


def read_campaign(path: Path) -> CampaignFile:
    """Read a campaign from its folder or its campaign.json.

    Raises:
        UsageError: there is none, or the file is no campaign: what is wrong with it.

    """
    file = path / NAME if path.is_dir() else path
    try:
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the campaign {str(file)!r}: {reason}") from None
    try:
        campaign = msgspec.json.decode(data, type=CampaignFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(file)!r} is no campaign of stress: {error}") from None
    return msgspec.structs.replace(campaign, folder=str(file.parent))


def buckets_of(campaign: CampaignFile) -> list[Bucket]:
    """Return the kinds of failures, in the order in which they were found first."""
    executions: dict[tuple[str, str, int], Found] = {}
    for found in campaign.violations:
        executions.setdefault((found.scenario, found.variant, found.execution), found)
    kinds: dict[tuple[str, str, str, str], list[Found]] = {}
    for found in executions.values():
        key = (found.scenario, found.variant, found.rule, found.alarm)
        kinds.setdefault(key, []).append(found)
    return [
        Bucket(n, len(some), min(some, key=lambda x: (x.log is None, x.steps, x.execution)))
        for n, some in enumerate(kinds.values(), 1)
    ]


def campaign_page(campaign: CampaignFile) -> bytes:
    """Return the page of a campaign."""
    buckets = buckets_of(campaign)
    sections: list[Section] = []
    told: dict[int, str] = {}
    for bucket in buckets[:STORIES_MAX]:
        try:
            log, place = log_of(campaign, bucket.best)
        except UsageError as error:
            told[bucket.number] = str(error)
            continue
        report = Report(
            note=f", schedule {bucket.best.execution}", place=place, replay=replay_of(bucket.best)
        )
        name = f"story-{bucket.number}"
        sections.append(
            failure_section(name, course_of(log), None, finding_of(log), report, level=2, lazy=True)
        )
    there = {section.name for section in sections}
    body = [
        f"<h1>{verdict_html(campaign.verdict)}: {campaign.schedules} schedules</h1>",
        facts_list(figures(campaign)),
        "<h2>What was found</h2>" if buckets else "<p>No rule was broken.</p>",
    ]
    if buckets:
        rows = (bucket_row(bucket, there, told.get(bucket.number, "")) for bucket in buckets)
        head = ("", "rule", "scenario", "variant", "kept", "steps", "what happens", "replay")
        body.append(table_of(head, rows))
    body.append("<h2>What was run</h2>")
    body.append(table_of(RUN_HEAD, map(entry_row, campaign.entries)))
    body += [section.html for section in sections]
    return page_of(f"campaign: {campaign.verdict}", "\n".join(body), sections)


def log_of(campaign: CampaignFile, found: Found) -> tuple[Log, Path | None]:
    """Return the log of a failure: as it lies there, else had by running the schedule again.

    Raises:
        UsageError: it is not there, and cannot be run.

    """
    from harness.campaign.crash import naming_variant
    from harness.engine.schedule import Schedule
    from harness.log.record import remember
    from harness.spec import RunSpec

    if found.log is not None:
        for path in (Path(found.log), Path(campaign.folder) / Path(found.log).name):
            if path.is_file():
                return read_log(path, partial=True), path
    schedule = Schedule.parse(found.schedule)
    spec = RunSpec.from_schedule(schedule)
    with naming_variant(spec):
        _, data = remember(spec, schedule, Path("again"), engine="direct", seed=None)
    return parse_log(data, Path("again")), None


def replay_of(found: Found) -> str:
    """Return what ``replay`` takes for a failure."""
    return found.schedule_file or found.schedule


def verdict_html(verdict: str) -> str:
    """Return a verdict as a heading shows it."""
    return '<span class="bad">Violated</span>' if verdict == VIOLATED else safe(verdict)


def figures(campaign: CampaignFile) -> list[Said]:
    """Return what there is to know of a campaign."""
    command = " ".join(campaign.arguments)
    return [
        Said("campaign", shown(Path(campaign.folder))),
        Said("began", f"{campaign.began}, took {campaign.seconds:.1f} s"),
        Said("seed", f"{campaign.seed}, strategy {campaign.strategy}"),
        Said("command", f"vgic-race {command}"),
    ]


def bucket_row(bucket: Bucket, there: set[str], why: str) -> str:
    """Return the row of a kind of failures, with a link to its story."""
    best, name = bucket.best, f"story-{bucket.number}"
    link = f'<a href="#{name}">{bucket.number}</a>' if name in there else str(bucket.number)
    note = f"<br><small>no story: {safe(why)}</small>" if why else ""
    cells = (
        f"<td>{link}</td><td>{safe(best.rule)}</td><td>{safe(best.scenario)}</td>"
        f'<td>{safe(best.variant)}</td><td class="num">{bucket.kept}</td>'
        f'<td class="num">{best.steps}</td><td>{safe(best.text)}{note}</td>'
        f"<td><code>vgic-race replay {safe(shlex.quote(replay_of(best)))}</code></td>"
    )
    return f"<tr>{cells}</tr>"


def entry_row(entry: Entry) -> str:
    """Return the row of an entry."""
    broken = ", ".join(f"{rule} x{count}" for rule, count in entry.broken.items())
    return (
        f"<tr><td>{entry.schedules}</td><td>{safe(entry.scenario)}</td>"
        f'<td>{safe(entry.variant)}</td><td class="num">{entry.steps}</td>'
        f"<td>{safe(entry.verdict)}</td><td>{safe(broken or '; '.join(entry.reasons))}</td></tr>"
    )
