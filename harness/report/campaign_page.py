"""A campaign as a page: a table of what was found, and the shortest story of each kind."""

import shlex
from pathlib import Path

from harness.errors import UsageError
from harness.places import shown
from harness.report.campaign_file import (
    Bucket,
    CampaignFile,
    Entry,
    buckets_of,
    log_of,
    replay_of,
)
from harness.report.chain import Said
from harness.report.course import course_of
from harness.report.known import finding_of
from harness.report.page import Section, failure_section, page_of
from harness.report.page_text import facts_list, safe, table_of
from harness.report.terminal import Report
from harness.verdict import VIOLATED

__all__ = ["campaign_page"]

STORIES_MAX = 24
"""So many kinds have their story in the page; the others their schedule only."""
RUN_HEAD = ("schedules", "scenario", "variant", "steps", "verdict", "broken, or why it is open")


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
        report = Report(note=bucket.note, place=place, replay=replay_of(campaign, bucket.best))
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
        rows = (
            bucket_row(campaign, bucket, there, told.get(bucket.number, "")) for bucket in buckets
        )
        head = ("", "rule", "scenario", "variant", "failures", "steps", "what happens", "replay")
        body.append(table_of(head, rows))
    body.append("<h2>What was run</h2>")
    body.append(table_of(RUN_HEAD, map(entry_row, campaign.entries)))
    body += [section.html for section in sections]
    return page_of(f"campaign: {campaign.verdict}", "\n".join(body), sections)


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


def bucket_row(campaign: CampaignFile, bucket: Bucket, there: set[str], why: str) -> str:
    """Return the row of a kind of failures, with a link to its story."""
    best, name = bucket.best, f"story-{bucket.number}"
    link = f'<a href="#{name}">{bucket.number}</a>' if name in there else str(bucket.number)
    note = f"<br><small>no story: {safe(why)}</small>" if why else ""
    for reason in () if bucket.told is None else bucket.told.reasons():
        note += f"<br><small>{safe(reason)}</small>"
    cells = (
        f"<td>{link}</td><td>{safe(best.rule)}</td><td>{safe(best.scenario)}</td>"
        f'<td>{safe(best.variant)}</td><td class="num">{safe(bucket.many)}</td>'
        f'<td class="num">{best.steps}</td><td>{safe(best.text)}{note}</td>'
        f"<td><code>vgic-race replay {safe(shlex.quote(replay_of(campaign, best)))}</code></td>"
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
