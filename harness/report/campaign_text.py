"""A campaign on a terminal: a table, what it is worth, and what was found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from harness.campaign.evidence import LOGS_MAX, Evidence, Failure
from harness.campaign.summary import FEW, KEPT_MAX, Campaign, Tally
from harness.errors import UsageError
from harness.museum import patches
from harness.places import shown
from harness.report.chain import symptom_text
from harness.report.clean import cleaned
from harness.report.known import finding_of
from harness.report.terminal import Report, hung, plain, reproducer, show_failure, show_short
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["closing", "one_line", "show_campaign"]

VERDICTS = {CLEAN: "NOT FOUND", VIOLATED: "VIOLATED", INCONCLUSIVE: "INCONCLUSIVE"}
NOTES_MAX = 2
"""So many entries are told of in which a state was not reached in the time that there was."""
STYLES = {CLEAN: "green", VIOLATED: "bold red", INCONCLUSIVE: "yellow"}


def show_campaign(
    console: "Console",
    campaign: Campaign,
    failures: Sequence[Failure],
    evidence: Evidence,
    *,
    verbose: bool = False,
) -> None:
    """Print a campaign: the table, what is open, what was found; last a line with the verdict.

    Where something was found the last line reproduces it. ``verbose`` adds rates and the bounds
    that finding nothing gives.
    """
    if not campaign.plan.only_kept:
        console.print(campaign_table(campaign, verbose=verbose))
        if verbose:
            show_windows(console, campaign)
            show_confidence(console, campaign)
        show_open(console, campaign)
        show_notes(console, campaign, verbose=verbose)
    if evidence.folder is not None and not evidence.error:
        console.print()
        plain(console, f"written to {shown(evidence.folder)}")
    told = chosen(failures)
    more = sum(sum(t.broken.values()) for t in campaign.tallies)
    more -= sum(not failure.kept for failure in told)
    if more:
        console.print()
        plain(console, f"{more} more failing schedules are not shown: {place_of_more(evidence)}")
    console.print(Text(f"\n{closing(campaign)}", STYLES[campaign.verdict]))
    for failure in told:
        console.print()
        show_one(console, failure)


def one_line(campaign: Campaign, failures: Sequence[Failure]) -> str:
    """Return a campaign in one line, for logs of CI."""
    text = closing(campaign)
    return f"{text} {reproduce(failures[0])}" if failures else text


# -- the table -----------------------------------------------------------------------------------


def campaign_table(campaign: Campaign, *, verbose: bool) -> Table:
    """Return a row per entry: what was run, and what it came to."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("scenario", overflow="fold")
    table.add_column("variant", overflow="fold")
    table.add_column("schedules", justify="right", no_wrap=True)
    table.add_column("steps", justify="right", no_wrap=True)
    if verbose:
        table.add_column("steps/s", justify="right", no_wrap=True)
    table.add_column("reached", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for tally in campaign.tallies:
        rate = [Text(f"{tally.rate:.0f}")] if verbose else []
        reached = sum(bool(tally.times_reached(name)) for name in tally.wanted)
        table.add_row(
            Text(cleaned(tally.spec.scenario)),
            Text(cleaned(tally.spec.variant)),
            Text(str(tally.schedules)),
            Text(str(tally.steps)),
            *rate,
            Text(f"{reached}/{len(tally.wanted)}"),
            verdict_cell(tally, verbose=verbose),
        )
    return table


def verdict_cell(tally: Tally, *, verbose: bool) -> Text:
    """Return an entry's verdict, with the broken rules, or what finding nothing is worth."""
    if tally.verdict == CLEAN and tally.schedules <= FEW:
        return Text("TOO FEW", STYLES[INCONCLUSIVE])
    text = Text(VERDICTS[tally.verdict], STYLES[tally.verdict])
    if tally.broken:
        counts = (f"{rule} x{n}" if n > 1 else rule for rule, n in tally.broken.items())
        text.append(f" {', '.join(counts)}", "default")
        if max(tally.broken.values()) > KEPT_MAX:
            text.append(f" (the first {KEPT_MAX} of each kept)", "default")
    elif tally.verdict == CLEAN:
        confidence = tally.confidence
        short = confidence.short() if verbose else confidence.short().partition(";")[0]
        text.append(f" {short}", "dim")
    return text


def show_windows(console: "Console", campaign: Campaign) -> None:
    """Print in how many executions something happened in each of the kernel's windows, by era."""
    counts = campaign.windows()
    eras = sorted({era for of in counts.values() for era in of})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("window (list windows)", no_wrap=True)
    for era in eras:
        table.add_column(era, justify="right", no_wrap=True)
    for window, of in counts.items():
        table.add_row(Text(window), *(Text(str(of[era]) if era in of else "") for era in eras))
    console.print()
    console.print(table)


def show_confidence(console: "Console", campaign: Campaign) -> None:
    """Print what the bounds of clean entries are, in sentences."""
    clean = [tally for tally in campaign.tallies if tally.verdict == CLEAN]
    if not clean:
        return
    hung(
        console,
        Text(
            "<S: the share of such schedules that may fail nevertheless (95 %); d=D >=P: the "
            "least probability with which a bug of depth D in the first k choice steps would "
            "have been found",
            "dim",
        ),
    )
    console.print("\nThe confidence that NOT FOUND gives (a sample proves nothing):")
    for tally in clean:
        hung(console, Text(f"{cleaned(name_of(tally))}: {tally.confidence.long()}"))


def show_notes(console: "Console", campaign: Campaign, *, verbose: bool) -> None:
    """Print which states were not reached in the time, and which bugs are too deep to be."""
    notes = [
        f"{cleaned(name_of(tally))}: {note}"
        for tally in campaign.tallies
        if tally.verdict == CLEAN
        for note in tally.notes()
    ]
    notes += too_deep(campaign)
    for note in notes if verbose else notes[:NOTES_MAX]:
        console.print()
        hung(console, Text(note))
    if len(notes) > NOTES_MAX and not verbose:
        console.print(f"\nand so in {len(notes) - NOTES_MAX} more entries (-v shows them)")


def too_deep(campaign: Campaign) -> list[str]:
    """Return which variants have a bug that random schedules hardly come to, and what finds it."""
    known = patches()
    clean = [tally.spec.variant for tally in campaign.tallies if tally.verdict == CLEAN]
    return [
        f"{variant}: {name} is too deep for random schedules; found by: {known[name].deep}"
        for variant in dict.fromkeys(clean)
        for name in variant.split("+")[1:]
        if name in known and known[name].deep
    ]


def show_open(console: "Console", campaign: Campaign) -> None:
    """Print why nothing can be concluded of an entry."""
    for tally in campaign.tallies:
        if tally.verdict != INCONCLUSIVE:
            continue
        console.print()
        for reason in tally.reasons():
            console.print(Text(f"INCONCLUSIVE {cleaned(name_of(tally))}: {reason}"))
        if tally.bounded is not None:
            plain(console, f"  such a schedule: {tally.bounded.schedule}")


def name_of(tally: Tally) -> str:
    """Return what an entry is called: its scenario and its variant."""
    return f"{tally.spec.scenario} {tally.spec.variant}"


def closing(campaign: Campaign) -> str:
    """Return the verdict of a campaign in one sentence."""
    entries = len(campaign.tallies)
    again = [x for x in campaign.again if x.finding is not None]
    kept = f"{len(again)} of {len(campaign.again)} kept failures fail still"
    if campaign.plan.only_kept:
        return f"VIOLATED: {kept}" if again else f"{kept}; that is no proof that they are mended"
    what = f"{campaign.schedules} schedules of {entries} {'entry' if entries == 1 else 'entries'}"
    verdict = campaign.verdict
    if verdict == VIOLATED:
        broken = [tally for tally in campaign.tallies if tally.broken]
        if not broken:
            return f"VIOLATED: {kept}; nothing new in {what}"
        names = ", ".join(f"{name_of(t)} ({', '.join(t.broken)})" for t in broken[:3])
        rest = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        return cleaned(f"VIOLATED: {names}{rest}; {what}{f'; {kept}' if again else ''}")
    if verdict == INCONCLUSIVE:
        open_ = sum(tally.verdict == INCONCLUSIVE for tally in campaign.tallies)
        cut = ", cut short" if campaign.interrupted else ""
        return f"INCONCLUSIVE: {open_} of {entries} entries; {what}{cut}"
    few = sum(tally.schedules <= FEW for tally in campaign.tallies)
    if few == entries:
        return f"TOO FEW: {what} say nothing; give it more --seconds, or --schedules"
    worst = max(
        tally.confidence.failing_at_most for tally in campaign.tallies if tally.schedules > FEW
    )
    alone = f" ({few} with too few to say anything)" if few else ""
    each = "each other entry" if few else "each entry"
    return (
        f"NOT FOUND in {what}{alone}: of {each} at most {worst:.2g} of such schedules fail "
        "(95 %, rule of three); a sample, no proof (-v says more)"
    )


# -- what was found ------------------------------------------------------------------------------


def chosen(failures: Sequence[Failure]) -> list[Failure]:
    """Return the failures to print: so many of each variant and rule as logs are kept."""
    told: dict[tuple[str, str], int] = {}
    out = []
    new = {kind_of(failure) for failure in failures if not failure.kept}
    for failure in failures:
        if failure.kept and kind_of(failure) in new:
            continue  # it was found anew
        key = (failure.tally.spec.variant, failure.finding.violations[0].rule)
        told[key] = told.get(key, 0) + 1
        if told[key] <= LOGS_MAX:
            out.append(failure)
    return out


def kind_of(failure: Failure) -> tuple[str, str, str, str]:
    """Return what one failure has in common with another that is told already."""
    spec, first = failure.tally.spec, failure.finding.violations[0]
    return spec.scenario, spec.variant, first.rule, first.alarm


def place_of_more(evidence: Evidence) -> str:
    """Say where the failures are that are not printed."""
    if evidence.folder is None or evidence.error:
        return "they could not be written, see --json"
    where = shown(evidence.folder / "campaign.json")
    return f'see "violations" in {where} (at most {KEPT_MAX} per entry and rule)'


def show_one(console: "Console", failure: Failure) -> None:
    """Print a failure: its shortest story, else that of its log, else the rule alone."""
    from harness.log.reader import read_log

    note = f", {failure.name}"
    kept = failure.shortest
    place = failure.log if kept is None else kept.log
    if place is not None:
        try:
            log = read_log(place)
        except UsageError:
            log = None
        if log is not None:
            replay = failure.replay if kept is None else shown(kept.schedule)
            base = None if kept is None else kept.shrunk.base
            only = failure.spec.rules
            found = None if kept is None else failure.log
            report = Report(
                note, place, replay, only, how_short(failure), base, found, symptom_of(failure)
            )
            show_failure(console, log, finding=finding_of(log), report=report)
            return
    show_short(console, name_of(failure.tally) + note, failure.finding.violations)
    plain(console, reproduce(failure))


def symptom_of(failure: Failure) -> str:
    """Return what a guest suffers of a failure, as far as that was looked for."""
    found = failure.symptom
    return "" if found is None else symptom_text(found)


def how_short(failure: Failure) -> str:
    """Return how much shorter the story shown is than what was found."""
    if failure.shortest is None:
        return ""
    before, after = failure.shortest.shrunk.before, failure.shortest.shrunk.after
    return (
        f"{after.steps} steps, {after.switches} switches, {after.preemptive} of them preemptive; "
        f"found with {before.steps}, {before.switches}, {before.preemptive}"
    )


def reproduce(failure: Failure) -> str:
    """Return the line that has a failure again."""
    return reproducer(failure.replay, failure.spec.rules)
