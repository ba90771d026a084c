"""Failures of before are run first, and alone with ``--last-failed``."""

import json
from pathlib import Path

from tests.cli.support import Cli

CAMPAIGN = (
    "stress", "timer-busy", "--variant", "v4.14+4", "--schedules", 40, "--seed", 1, "--engine",
    "direct", "--jobs", 1,
)  # fmt: skip


def figures(folder: Path) -> object:
    """What the campaign itself came to."""
    found = json.loads((folder / "campaign.json").read_text())
    entry = found["entries"][0]
    return [entry[name] for name in ("schedules", "steps", "sometimes", "broken", "verdict")]


def test_a_failure_is_tried_first_next_time(cli: Cli, logs: Path, tmp_path: Path) -> None:
    first = cli(*CAMPAIGN, "--no-shrink")
    assert first.code == 1
    assert "kept failure" not in first.err
    [file] = (tmp_path / "kept").glob("*.json")
    again = cli(*CAMPAIGN, "--no-shrink")
    assert f"kept failure {file.stem} (" in again.err
    assert "fails still" in again.err
    assert "1 of 1 kept failures fail still" in " ".join(again.out.split())
    assert figures(logs / "stress-2") == figures(logs / "stress-1")
    off = cli(*CAMPAIGN, "--no-kept", "--no-shrink", "--json")
    assert "kept" not in off.summary


def test_the_failures_alone(cli: Cli, tmp_path: Path) -> None:
    cli("stress", "--last-failed").refused("--last-failed", "nothing that failed is kept")
    cli("stress", "--last-failed", "--no-kept").refused("--last-failed", "not kept")
    cli(*CAMPAIGN, "--no-shrink")
    done = cli("stress", "--last-failed", "--jobs", 1, "--json")
    assert done.code == 1
    assert done.summary["schedules"] == 0
    [violation] = done.summary["violations"]
    [file] = (tmp_path / "kept").glob("*.json")
    assert violation["kept"] == file.stem
    assert cli("replay", violation["schedule"]).code == 1
    cli("stress", "migrate", "--last-failed").refused("nothing that failed is kept")
    # Once it is mended, it passes.
    kept = json.loads(file.read_text())
    kept["variant"] = "v4.14"
    (tmp_path / "kept" / "mended.json").write_text(json.dumps(kept))
    file.unlink()
    done = cli("stress", "--last-failed", "--jobs", 1)
    assert done.code == 0, done.err
    assert "passes now (1 of 3" in done.err
    assert "0 of 1 kept failures fail still" in done.out
