"""Defaults and profiles of ``stress`` in the project's file, and what CI reads."""

import json
from pathlib import Path

import pytest

from tests.cli.support import Cli

TABLE = """
[tool.vgic-race.stress]
scenarios = ["timer-wfi"]
variant = ["v7.2"]
schedules = 6
jobs = 1
seed = 3
engine = "direct"

[tool.vgic-race.profiles.nightly]
seconds = 0.02
keep-going = true
variant = ["v4.14", "v7.2"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "pyproject.toml"
    file.write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return file


def test_defaults_of_the_project(cli: Cli, project: Path) -> None:
    done = cli("stress")
    assert (
        "seed=3 scenarios=timer-wfi variants=v7.2 schedules=6 strategy=mix depth=3 engine=direct "
        "jobs=1" in done.err
    )
    done = cli("stress", "migrate", "--schedules", 2, "--variant", "v4.14", "--seed", 4)
    assert "seed=4 scenarios=migrate variants=v4.14 schedules=2 " in done.err
    assert "seconds=0.01 " in cli("stress", "--seconds", 0.01).err


def test_a_profile_is_laid_over_them(cli: Cli, project: Path) -> None:
    done = cli("stress", "--profile", "nightly")
    assert "scenarios=timer-wfi variants=v4.14,v7.2 seconds=0.02 " in done.err
    done = cli("stress", "--profile", "nightly", "--schedules", 2)
    assert "variants=v4.14,v7.2 schedules=2 " in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.vgic-race.stress]\nvariants = ["x"]', ["'variants'", "stress", "'variant'"]),
        ("[tool.vgic-race.profiles.a]\nkeep_going = true", ["'keep_going'", "profiles.a"]),
        ('[tool.vgic-race.stress]\nseed = "x"', ["int", "seed"]),
        ("[tool.vgic-race]\nstress = 3", ["object", "stress"]),
        ("[tool.vgic-race.profiles]\na = 3", ["object", "profiles"]),
        ("[tool.vgic-race.stress]\ndepth = 99", ["depth"]),
        ('[tool.vgic-race.stress]\nstrategy = "dfs"', ["'dfs'"]),
    ],
)
def test_what_cannot_be_is_refused(cli: Cli, project: Path, text: str, words: list[str]) -> None:
    project.write_text(text)
    cli("stress", "timer-wfi", "--schedules", 1).refused(*words)


def test_an_unknown_profile(cli: Cli, project: Path) -> None:
    cli("stress", "--profile", "nightlyy").refused("profile 'nightlyy'", "'nightly'")
    project.write_text("")
    cli("stress", "--profile", "x").refused("profile 'x'", "[tool.vgic-race.profiles.NAME]")


def test_ci_gets_a_file_annotations_and_a_summary(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    args = ["stress", "timer-busy", "--variant", "v4.14+4", "--schedules", 20, "--seed", 1]
    args += ["--jobs", 1, "--engine", "direct", "--no-shrink", "--json"]
    done = cli(*args, "--junit", tmp_path / "junit.xml")
    assert done.code == 1
    rule = done.summary["violations"][0]["rule"]
    assert f"::error title={rule} in timer-busy v4.14+4%2C schedule " in done.err
    assert f'<failure type="{rule}"' in (tmp_path / "junit.xml").read_text()
    assert "VIOLATED" in (tmp_path / "summary.md").read_text()
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [each["type"] for each in found] == ["found", "entry", "summary"]
    assert found[0]["schedule"] == done.summary["violations"][0]["schedule"]
    quiet = cli(*args, "--ci", "none", "--junit", tmp_path / "no" / "junit.xml")
    assert quiet.code == 1
    assert "::error" not in quiet.err
    assert "error: cannot write" in quiet.err
