"""A campaign as GitHub shows it: annotations at the variant's code, and a summary of the step.

Annotations are workflow commands, lines that the runner takes out of what a step prints. A step's
summary is Markdown, appended to the file that ``GITHUB_STEP_SUMMARY`` names.
"""

import inspect
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from harness.campaign.evidence import Failure
from harness.campaign.summary import Campaign, Tally
from harness.errors import UsageError
from harness.places import shown
from harness.report.terminal import reproducer
from harness.spec import RunSpec
from harness.variants import resolve_variant
from harness.verdict import INCONCLUSIVE

__all__ = ["annotations", "append_summary", "is_github"]

SUMMARY_ENV = "GITHUB_STEP_SUMMARY"
SHOWN_MOST = 10
"""So many errors of a step, and so many warnings, GitHub shows; more are not worth printing."""
ROWS_MOST = 200
STORIES_MOST = 20


def is_github(choice: str) -> bool:
    """Tell whether GitHub reads what is printed; ``choice`` is that of ``--ci``."""
    return choice == "github" or (choice == "auto" and os.environ.get("GITHUB_ACTIONS") == "true")


# -- annotations -----------------------------------------------------------------------------------


def annotations(campaign: Campaign, failures: Sequence[Failure]) -> list[str]:
    """Return the workflow commands: errors for failures, warnings for what is open."""
    out = []
    for failure in failures[:SHOWN_MOST]:
        first = failure.finding.violations[0]
        text = f"{first.text} (step {first.step})\n{reproducer(failure.replay, failure.spec.rules)}"
        title = f"{first.rule} in {of(failure.tally.spec)}, {failure.name}"
        out.append(command("error", failure.tally.spec, title, text))
    if campaign.crash is not None:
        out.append(command("error", None, "the campaign was cut short", campaign.crash.text))
    open_ = [tally for tally in campaign.tallies if is_open(campaign, tally)]
    for tally in open_[:SHOWN_MOST]:
        title = f"INCONCLUSIVE {of(tally.spec)}"
        out.append(command("warning", tally.spec, title, "\n".join(tally.reasons())))
    return out


def is_open(campaign: Campaign, tally: Tally) -> bool:
    """Tell whether nothing can be concluded of an entry."""
    return not campaign.plan.only_kept and tally.verdict == INCONCLUSIVE


def of(spec: RunSpec) -> str:
    """Return what an entry is called."""
    return f"{spec.scenario} {spec.variant}"


def command(kind: str, spec: RunSpec | None, title: str, text: str) -> str:
    """Return a workflow command."""
    where = {} if spec is None else place_of(spec)
    fields = ",".join(f"{k}={escaped(str(v), ':,')}" for k, v in {**where, "title": title}.items())
    return f"::{kind} {fields}::{escaped(text)}"


def escaped(text: str, more: str = "") -> str:
    """Escape what would end a field or a line, as the runner's own toolkit does."""
    text = text.replace("%", "%25")
    for letter in f"\r\n{more}":
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


def place_of(spec: RunSpec) -> dict[str, str | int]:
    """Return the file and line that an entry is about: the user's variant, or his scenario."""
    if ":" in spec.variant:
        try:
            cls = resolve_variant(spec.variant)
            file = inspect.getsourcefile(cls)
            line = inspect.getsourcelines(cls)[1]
        except (UsageError, OSError, TypeError):
            return {}
        return {} if file is None else {"file": shown(Path(file)), "line": line}
    return {"file": shown(Path(spec.scenario))} if spec.scenario.endswith(".toml") else {}


# -- the summary -----------------------------------------------------------------------------------


def append_summary(campaign: Campaign, failures: Sequence[Failure], said: str) -> str:
    """Append a campaign to the step's summary, if there is one; return what went wrong, or "".

    ``said`` is the verdict in a sentence.
    """
    path = os.environ.get(SUMMARY_ENV)
    if not path:
        return ""
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown(campaign, failures, said))
    except OSError as error:
        return f"cannot write the step summary {path!r}: {error.strerror}"
    return ""


def markdown(campaign: Campaign, failures: Sequence[Failure], said: str) -> str:
    """Return a campaign as Markdown."""
    lines = ["## vgic-race stress", "", cell(said), ""]
    tallies = () if campaign.plan.only_kept else campaign.tallies
    if tallies:
        lines += ["| scenario | variant | schedules | verdict | |", "|---|---|---:|---|---|"]
    for tally in tallies[:ROWS_MOST]:
        spec = tally.spec
        why = ", ".join(tally.broken) or "; ".join([*tally.reasons(), *tally.notes()])
        lines.append(
            f"| {cell(spec.scenario)} | {cell(spec.variant)} | {tally.schedules} | {tally.verdict} "
            f"| {cell(why)} |"
        )
    if len(tallies) > ROWS_MOST:
        lines.append(f"\n{len(tallies) - ROWS_MOST} more entries")
    for failure in failures[:STORIES_MOST]:
        first = failure.finding.violations[0]
        where = f"{cell(of(failure.tally.spec))}, {failure.name}"
        lines += ["", f"**{first.rule}** in {where}: {cell(first.text)}", ""]
        lines += ["```", replay_line(failure), "```"]
    if len(failures) > STORIES_MOST:
        lines.append(f"\n{len(failures) - STORIES_MOST} more failing schedules")
    return "\n".join([*lines, "", f"Seed {campaign.plan.seed}.", "", ""])


def replay_line(failure: Failure) -> str:
    """Return the command that has a failure anywhere: with the schedule, as no file stays in CI."""
    return f"vgic-race replay {shlex.quote(failure.finding.schedule)}"


def cell(text: str) -> str:
    """Return text as it can stand in a table of Markdown."""
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("`", "\\`")
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
