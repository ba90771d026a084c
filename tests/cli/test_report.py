"""``report``: where the page goes, what it is made of, and what is refused."""

import json
from pathlib import Path

import pytest

from tests.cli.support import Cli


@pytest.fixture
def log(cli: Cli, tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    assert cli("run", "timer-wfi", "--variant", "v4.14+23", "--seed", 4, "--log", path).code == 1
    return path


def test_run_tells_the_story_of_a_violation(cli: Cli, tmp_path: Path) -> None:
    done = cli("run", "timer-wfi", "--variant", "v4.14+23", "--seed", 4)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "VIOLATED timer-wfi v4.14+23"
    assert lines[-1].startswith("reproduce: vgic-race replay ")
    assert "The story, with the state of vINTID 27 of VCPU 0" in done.out
    copied = ("reproduce: ", "  log: ", "  which steps decide: ")
    assert max(len(s) for s in lines if not s.startswith(copied)) <= 80


def test_a_page_beside_the_log_and_never_over_another(cli: Cli, log: Path) -> None:
    done = cli("report", log)
    assert done.code == 1
    assert done.out.startswith("violated: ")
    first = log.with_suffix(".html").read_bytes()
    assert b"<h1>" in first
    assert cli("report", log, "--json").summary["page"].endswith("a-2.html")
    assert log.with_name("a-2.html").read_bytes() == first
    out = log.with_name("given.html")
    out.write_text("old")
    assert cli("report", log, "--out", out).code == 1
    assert out.read_bytes() == first
    assert not list(log.parent.glob("*.partial"))


def test_text_writes_nothing(cli: Cli, log: Path) -> None:
    before = sorted(log.parent.iterdir())
    done = cli("report", log, "--text")
    assert done.code == 1
    assert done.out.splitlines()[0] == "VIOLATED timer-wfi v4.14+23"
    assert sorted(log.parent.iterdir()) == before


def test_a_log_that_ends_early_and_a_schedule(
    cli: Cli, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = log.with_name("cut.jsonl")
    lines = log.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(lines[:40]))
    assert cli("report", cut).code == 3
    schedule = json.loads(lines[0])["schedule"]
    monkeypatch.chdir(tmp_path)
    assert cli("report", schedule).code == 1
    assert (tmp_path / "report.html").is_file()


def test_a_campaign(cli: Cli, logs: Path) -> None:
    stress = ["stress", "timer-busy", "--variant", "v4.14+4", "--schedules", 6, "--seed", 1]
    assert cli(*stress, "--jobs", 1, "--engine", "direct", "--keep-going").code == 1
    folder = logs / "stress-1"
    assert cli("report", folder).code == 1
    page = (folder / "report.html").read_text()
    assert 'href="#story-1"' in page
    assert "v4.14+4" in page
    done = cli("report", folder / "campaign.json", "--text")
    assert done.code == 1
    bugs = json.loads((folder / "campaign.json").read_text())["buckets"]
    assert f"{len(bugs)} bugs" in done.out
    assert f"the shortest of {bugs[0]['count']}" in done.out
    assert done.out.splitlines()[-1].startswith("reproduce: ")
    # Logs that are gone: their schedules are run again.
    for file in folder.glob("*.jsonl"):
        file.unlink()
    assert cli("report", folder, "--out", folder / "again.html").code == 1
    assert 'href="#story-1"' in (folder / "again.html").read_text()


def test_bad_input(cli: Cli, log: Path, tmp_path: Path) -> None:
    cli("report", tmp_path / "none.jsonl").refused("none.jsonl", "No such file")
    cli("report", tmp_path / "empty").refused("empty")
    cli("report", tmp_path).refused("campaign.json", "No such file")
    broken = tmp_path / "campaign.json"
    broken.write_text('{"verdict": "violated"}')
    cli("report", broken).refused("no campaign of stress", "entries")
    broken.write_text("not JSON")
    cli("report", broken).refused("no campaign of stress")
    cli("report", log, "--out", tmp_path).refused("is a folder")
    cli("report", log, "--out", tmp_path / "no" / "page.html").refused("cannot write")
    cli("report", log, "--text", "--json").refused("exclude each other")
    head = tmp_path / "head.jsonl"
    head.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    cli("report", head).refused("no step")
    other = tmp_path / "b.jsonl"
    other.write_text("{}\n")
    cli("report", other).refused("line 1")


def test_one_line_for_ci(cli: Cli) -> None:
    args = ["stress", "timer-wfi", "--schedules", 60, "--seed", 1, "--jobs", 1]
    done = cli(*args, "--engine", "direct", "--variant", "v4.14", "-q")
    assert done.code == 0
    assert done.err == ""
    assert done.out.count("\n") == 1
    assert done.out.startswith("NOT FOUND in 60 schedules of 1 entry: ")
    done = cli(*args, "--engine", "direct", "--variant", "v4.14+23", "-q")
    assert done.code == 1
    assert done.out.startswith("VIOLATED: timer-wfi v4.14+23 (")
    assert " reproduce: vgic-race replay " in done.out
    assert done.out.count("\n") == 1
    cli(*args, "-q", "-v").refused("exclude each other")
