"""What pytest prints of a failing schedule: its shortest story, and how to have it again."""

import time
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.places import default_log_root, new_folder, shown, slug

if TYPE_CHECKING:
    from rich.console import Console

    from harness.campaign.batches import Finding
    from harness.search.shrunk import Kept
    from harness.spec import RunSpec

__all__ = ["tell"]

STEPS: Final = 300_000
"""What shrinking may cost, in steps: some three seconds."""
SECONDS: Final = 20.0
"""Wall time for it: only so that it ends where the machine is slow."""
WIDTH: Final = 80


def tell(spec: "RunSpec", finding: "Finding", name: str, *, shrinking: bool) -> str:
    """Return the story of a failing schedule, and leave its log, and the shortest one's, in logs/.

    What goes wrong on the way hides nothing: the rule, and the schedule, are told in any case.

    Args:
        spec: what was run.
        finding: how it failed.
        name: what the folder is named for.
        shrinking: whether it is to be made short.

    """
    from rich.console import Console

    from harness.report.terminal import plain, reproducer, show_short

    out = StringIO()
    console = Console(file=out, width=WIDTH, highlight=False, markup=False, emoji=False)
    try:
        told(console, spec, finding, name, shrinking=shrinking)
    except UsageError as error:
        show_short(console, f"{spec.scenario} {spec.variant}", finding.violations)
        plain(console, f"  not written down: {error}")
        plain(console, reproducer(finding.schedule, spec.rules))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def told(
    console: "Console", spec: "RunSpec", finding: "Finding", name: str, *, shrinking: bool
) -> None:
    """Write the logs, and print the story of the shortest.

    Raises:
        UsageError: they cannot be written, or it does not fail again as it did.

    """
    from harness.campaign.kept import default_store
    from harness.log.reader import read_log
    from harness.log.record import record
    from harness.report.known import finding_of
    from harness.report.terminal import Report, show_failure

    folder = new_folder(default_log_root(), f"pytest-{slug(name)}")
    schedule = Schedule.parse(finding.schedule)
    (folder / "failing.schedule").write_text(f"{schedule}\n", encoding="utf-8")
    found = record(spec, schedule, folder / "failing.jsonl").path
    kept = shortest(spec, finding, folder / "failing.shrunk.schedule") if shrinking else None
    store = default_store()
    if kept is not None and store is not None and finding.index >= 0:
        store.keep(spec, finding, kept.shrunk.schedule)
    place = found if kept is None else kept.log
    log = read_log(place)
    report = Report(
        place=place, rules=spec.rules, found=None if kept is None else found,
        replay=shown((folder / "failing.schedule") if kept is None else kept.schedule),
        base=None if kept is None else kept.shrunk.base,
        short="" if kept is None else how_short(kept),
    )  # fmt: skip
    show_failure(console, log, finding=finding_of(log), report=report)


def shortest(spec: "RunSpec", finding: "Finding", path: Path) -> "Kept | None":
    """Shrink a failure and keep it at ``path``; None if it cannot be made short.

    Raises:
        WriteError: a file cannot be written.

    """
    from harness.campaign.shortest import keep
    from harness.places import WriteError
    from harness.search.hunt import Budget
    from harness.search.shrink import shrink

    budget = Budget(STEPS, time.monotonic() + SECONDS)
    rules = None if spec.rules is None else frozenset(spec.rules)
    try:
        schedule = Schedule.parse(finding.schedule)
        return keep(shrink(spec, schedule, finding.violations[0], budget, ()), path, rules)
    except WriteError:
        raise
    except Exception:  # whatever a variant does in a world that it was not made for
        return None


def how_short(kept: "Kept") -> str:
    """Say how much shorter it became."""
    before, after = kept.shrunk.before, kept.shrunk.after
    return (
        f"{after.steps} steps, {after.switches} switches, {after.preemptive} of them preemptive; "
        f"found with {before.steps}, {before.switches}, {before.preemptive}"
    )
