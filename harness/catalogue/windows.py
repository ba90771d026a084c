"""The windows of the kernel's comments as rows, with how often something happened in each."""

from pathlib import Path
from typing import Any

from model.rules.windows import LEFT_OUT, WINDOWS, Window, name_of

__all__ = ["count", "left_out", "row", "rows"]


def row(window: Window) -> dict[str, Any]:
    """Return a window as ``vgic-race list`` has it."""
    return {
        "name": window.id,
        "title": window.what,
        "function": window.function,
        "file": window.file,
        "old_file": window.old_file,
        "eras": list(window.eras),
        "state": name_of(window),
    }


def rows(seen: Path | None = None) -> list[dict[str, Any]]:
    """Return all windows; with ``seen``, a log or a campaign, each with its count there.

    Raises:
        UsageError: ``seen`` cannot be read, or is neither.

    """
    counts = None if seen is None else count(seen)
    out = [row(window) for window in WINDOWS]
    if counts is not None:
        for each in out:
            each["seen"] = counts.get(each["name"], 0)
    return out


def left_out() -> list[dict[str, Any]]:
    """Return the windows of the comments that this machine has not, and why."""
    return [{"function": f, "file": file, "why": why} for f, file, why in LEFT_OUT]


def count(path: Path) -> dict[str, int]:
    """Return how often something happened in each window.

    Of a campaign (its folder, or its campaign.json) it is the number of executions; of a log, the
    number of looks that found something.

    Raises:
        UsageError: it cannot be read, or is neither.

    """
    found: dict[str, int] = {}
    if path.suffix != ".jsonl":
        from harness.report.campaign_file import read_campaign

        for entry in read_campaign(path).entries:
            for window, times in entry.windows.items():
                found[window] = found.get(window, 0) + times
        return found
    from harness.log.reader import facts_of
    from model import facts
    from model.timer import VTIMER_PPI

    for _, fact in facts_of(path, partial=True):
        if isinstance(fact, facts.Rechecked):
            found[fact.window] = found.get(fact.window, 0) + 1
        elif isinstance(fact, facts.RequestsChecked) and fact.seen:
            found["out-request"] = found.get("out-request", 0) + 1
        elif isinstance(fact, facts.IsrEnded) and fact.intid == VTIMER_PPI and fact.line is None:
            found["handler-put"] = found.get("handler-put", 0) + 1
    return found
