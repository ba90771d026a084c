"""``report``: a failure, or a whole campaign, as one page of HTML or as text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.log.reader import Log
    from harness.report.campaign_file import CampaignFile
    from harness.search.explanation import Explanation

__all__ = ["command"]


@click.command("report", epilog=EPILOG)
@click.argument("target", metavar="LOG|WHY|CAMPAIGN")
@click.option("--out", metavar="FILE", help="Write the page here [beside the log or campaign].")
@click.option("--text", is_flag=True, help="Print the story on the terminal, write nothing.")
@json_option
def command(target: str, out: str | None, text: bool, as_json: bool) -> int:
    """Write a page with the story of LOG, of what WHY found out, or of what a CAMPAIGN found.

    WHY is the folder that 'why' wrote, CAMPAIGN that of 'stress'.

    The page is one file that loads nothing: a chart of who did what, the state of each interrupt
    and of the whole machine at each step, and the same as text. A schedule, or a file that holds
    one, is run. Without --out nothing that is there is overwritten: a free name is taken.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.places import shown
    from harness.report.explained import FAILING, is_explained, read_explained
    from harness.verdict import EXIT_CODES

    if text and (out is not None or as_json):
        raise UsageError(f"--text and --{'json' if as_json else 'out'} exclude each other")
    path = Path(target)
    if is_explained(path):
        log, explanation = read_explained(path)
        summary, page = of_log(log, path / FAILING, explanation, text=text)
        place = path / "report.html"
    elif is_campaign(path):
        summary, page = of_campaign(path, text=text)
        place = (path if path.is_dir() else path.parent) / "report.html"
    else:
        log, found = log_of(target)
        summary, page = of_log(log, found, None, text=text)
        place = found.with_suffix(".html") if found is not None else Path("report.html")
    if page is not None:
        written = write_page(page, place, out)
        if as_json:
            print_json({**summary, "page": shown(written)})
        else:
            click.echo(f"{summary['verdict']}: {shown(written)}")
    return EXIT_CODES[summary["verdict"]]


def is_campaign(path: Path) -> bool:
    """Tell a campaign, by its folder or its file, from a log."""
    try:
        return path.is_dir() or path.name == "campaign.json"
    except (OSError, ValueError):
        return False


def log_of(target: str) -> "tuple[Log, Path | None]":
    """Return the log that is meant, and its file; of a schedule, what running it again gives.

    Raises:
        UsageError: it is neither, or cannot be run.
    """
    from harness.campaign.crash import naming_variant
    from harness.cli.target import load
    from harness.log.reader import parse_log
    from harness.log.record import remember
    from harness.spec import RunSpec

    wanted = load(target)
    if wanted.header is not None:
        return parse_log(wanted.data, wanted.path or Path(target), partial=True), wanted.path
    spec = RunSpec.from_schedule(wanted.schedule)
    with naming_variant(spec):
        _, data = remember(spec, wanted.schedule, Path(), engine="direct", seed=None)
    return parse_log(data, Path("schedule")), None


def of_log(
    log: "Log", path: Path | None, explanation: "Explanation | None", *, text: bool
) -> tuple[dict[str, Any], bytes | None]:
    """Return the summary of a log and its page; with ``text`` print it, and make no page.

    What is known of why it fails is shown with it.
    """
    from harness.cli.show import summary_of
    from harness.report.console import make_console
    from harness.report.known import finding_of
    from harness.report.terminal import Report, show_failure

    report = Report(place=path)
    summary = summary_of(log, path)
    finding = finding_of(log)
    if text:
        show_failure(make_console(), log, explanation, finding, report)
        return summary, None
    from harness.report.page import failure_page

    return summary, failure_page(log, explanation, finding, report)


def of_campaign(path: Path, *, text: bool) -> tuple[dict[str, Any], bytes | None]:
    """Return the summary of a campaign and its page; with ``text`` print its stories instead.

    Raises:
        UsageError: it is none.
    """
    import msgspec

    from harness.report.campaign_file import read_campaign
    from harness.report.campaign_page import campaign_page

    campaign = read_campaign(path)
    summary = {
        "type": "summary",
        "verdict": campaign.verdict,
        "violations": [
            {"type": "violation", **msgspec.to_builtins(v)} for v in campaign.violations
        ],
    }
    if text:
        print_campaign(campaign)
        return summary, None
    return summary, campaign_page(campaign)


def print_campaign(campaign: "CampaignFile") -> None:
    """Print the shortest story of each kind of failure."""
    from harness.errors import UsageError
    from harness.report.campaign_file import buckets_of, log_of as log_of_failure, replay_of
    from harness.report.console import make_console
    from harness.report.known import finding_of
    from harness.report.terminal import Report, plain, show_failure

    console = make_console()
    buckets = buckets_of(campaign)
    kinds = f"{len(buckets)} {'bugs' if campaign.buckets else 'kinds'}"
    plain(console, f"{campaign.verdict}: {campaign.schedules} schedules, {kinds}")
    for bucket in buckets:
        best = bucket.best
        console.print()
        try:
            log, place = log_of_failure(campaign, best)
        except UsageError as error:
            plain(console, f"VIOLATED {best.scenario} {best.variant} {best.rule}: {best.text}")
            plain(console, f"  no story: {error}")
            continue
        for reason in () if bucket.told is None else bucket.told.reasons():
            plain(console, f"  {reason}")
        report = Report(note=bucket.note, place=place, replay=replay_of(campaign, best))
        show_failure(console, log, finding=finding_of(log), report=report)


def write_page(page: bytes, place: Path, out: str | None) -> Path:
    """Write a page to ``out`` if that is given, else to ``place`` or a free name like it.

    Returns:
        Where it is now.

    Raises:
        UsageError: it cannot be written there.
    """
    from harness.errors import UsageError
    from harness.places import write_whole

    if out is not None:
        place = Path(out)
        if place.is_dir():
            raise UsageError(f"--out {out!r} is a folder, expected a file")
    else:
        free, number = place, 2
        while free.exists():
            free = place.with_name(f"{place.stem}-{number}{place.suffix}")
            number += 1
        place = free
    write_whole(place, page)
    return place
