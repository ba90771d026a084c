"""Parts of a campaign, and campaigns that go on: they come to what one campaign comes to."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.campaign.record import NAME, Record
from harness.cli import stress_again
from tests.cli.support import Cli

CAMPAIGN = (
    "stress", "timer-wfi", "--variant", "v4.14+1", "--variant", "v4.14+23", "--variant", "v7.2",
    "--seed", 1, "--engine", "direct", "--jobs", 1, "--no-kept", "--no-shrink", "-q",
)  # fmt: skip
KEEP_GOING = pytest.param("--keep-going", marks=pytest.mark.long)
TIMES = (["began"], ["seconds"], ["steps_per_second"])


def left(folder: Path) -> dict[str, Any]:
    """What a campaign left, to the byte but for times."""
    out: dict[str, Any] = {}
    for path in folder.iterdir():
        if path.name == "campaign.json":
            lines = path.read_text().splitlines()
            out[path.name] = [x for x in lines if x.strip().split('"')[1:2] not in TIMES]
        elif path.name != NAME:
            out[path.name] = path.read_bytes()
    return out


@pytest.mark.parametrize("more", ["-q", KEEP_GOING])
def test_three_shards_are_one_campaign(cli: Cli, logs: Path, more: str) -> None:
    args = (*CAMPAIGN, "--schedules", 190, more)
    for shard in ("3/3", "1/3", "2/3"):
        cli(*args, "--shard", shard)
    one = cli(*args)
    folders = [logs / f"stress-{n}" for n in (1, 2, 3)]
    summary = json.loads((folders[0] / "campaign.json").read_text())
    assert summary["shard"] == "3/3"
    assert summary["schedules"] < 190
    done = cli("merge", *folders, "--no-shrink", "-q")
    assert done.code == one.code == 1
    assert left(logs / "stress-5") == left(logs / "stress-4")
    # What was merged is a campaign like any other.
    again = cli("merge", logs / "stress-5", "--no-shrink", "--json")
    assert (
        again.summary["schedules"]
        == cli("merge", *folders, "--no-shrink", "--json").summary["schedules"]
    )


def test_a_part_that_is_missing_is_said(cli: Cli, logs: Path) -> None:
    for shard in ("1/2", "2/2"):
        cli(*CAMPAIGN, "--schedules", 120, "--shard", shard)
    done = cli("merge", logs / "stress-1", "--json", "--no-shrink")
    assert "schedules are missing" in done.err
    assert done.summary["interrupted"]
    cli("merge", logs / "stress-1", logs / "stress-1" / ".." / "stress-1").refused(
        "schedule 32 of 'timer-wfi'", "stress-1"
    )


def test_what_are_no_parts_of_one_campaign_is_refused(cli: Cli, logs: Path, tmp_path: Path) -> None:
    short = (*CAMPAIGN, "--schedules", 4)
    cli(*short)
    cli(*short, "--seed", 3)
    cli(*short, "--depth", 2)
    one, two, three = (logs / f"stress-{n}" for n in (1, 2, 3))
    cli("merge", one, two).refused("seed differ (1 and 3)")
    cli("merge", one, three).refused("depth differ")
    cli("merge", tmp_path).refused("no campaign of stress", NAME)
    cli("stress", "timer-wfi", "--shard", "0/3").refused("--shard '0/3'", "I/N")
    cli("stress", "timer-wfi", "--shard", "x").refused("--shard 'x'", "I/N")


@pytest.mark.parametrize("more", ["-q", KEEP_GOING])
def test_a_campaign_goes_on(cli: Cli, logs: Path, more: str) -> None:
    cli(*CAMPAIGN, "--schedules", 190, more)
    cli(*CAMPAIGN, "--schedules", 120, more)
    one, two = logs / "stress-1", logs / "stress-2"
    # As if it had been killed: without an end, and in the middle of a line.
    (two / "campaign.json").unlink()
    lines = (two / NAME).read_bytes().splitlines(keepends=True)
    (two / NAME).write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    note = cli("stress", "timer-wfi", "--schedules", 1, "--jobs", 1).err
    assert f"vgic-race stress --resume {two}" in note
    go_on = ("stress", "--resume", two, "--schedules", 190, "--jobs", 1, "--engine", "direct")
    done = cli(*go_on, "--no-shrink", "--no-kept", "-q")
    assert done.code == 1
    assert left(two) == left(one)


def test_what_cannot_go_on_is_refused(
    cli: Cli, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli(*CAMPAIGN, "--schedules", 4)
    folder = logs / "stress-1"
    cli("stress", "--resume", folder, "--seed", 1).refused("--resume and --seed")
    cli("stress", "timer-wfi", "--resume", folder).refused("--resume and SCENARIO")
    cli("stress", "--resume", logs).refused("no campaign of stress")
    record = Record(folder / NAME)
    cli("stress", "--resume", folder).refused("still running")
    record.close()
    monkeypatch.setattr(stress_again, "origins_of", lambda _plan: ("other",))
    cli("stress", "--resume", folder).refused("has changed since")
