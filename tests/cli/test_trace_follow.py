"""``trace follow`` as a command: exit codes, reports, JSON."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.cli.trace_follow import follow
from harness.errors import UsageError

DATA = Path(__file__).resolve().parents[1] / "conformance" / "data"
CLEAN, SEEDED = str(DATA / "aborted-entry.txt.gz"), str(DATA / "seed3.txt.gz")


def said(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    code = follow.main([*args], standalone_mode=False)
    return code, capsys.readouterr().out


def summary(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    """Run the command with --json; return its exit code and the summary."""
    code, out = said(capsys, "--json", *args)
    last: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert last["type"] == "summary"
    return code, last


def test_no_difference_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, last = summary(capsys, CLEAN)
    assert (code, last["verdict"]) == (0, "clean")
    assert (last["violations"], last["differences"], last["excused"]) == ([], [], [])
    assert last["compared"]["LR bits"] > 5
    assert {"kind", "reason", "count"} == set(last["not_compared"][0])


def test_a_difference_is_1_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, last = summary(capsys, CLEAN, SEEDED)
    assert (code, last["verdict"], last["traces"]) == (1, "violated", 2)
    (found,) = last["violations"]
    assert (found["rule"], found["line"], found["vcpu"]) == ("update to inject", 138, 0)
    assert (found["type"], found["time"]) == ("difference", 13.380521)
    code, out = said(capsys, SEEDED)
    assert code == 1
    assert "first difference: update to inject, VCPU 0, vINTID 27" in out
    assert "expected     level 1 given to the vgic" in out
    assert "state before " not in out.partition("first difference")[2].partition("\n\n")[0]


def test_bad_input_is_2_and_the_others_are_followed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("no trace\nat all\n")
    with pytest.raises(UsageError, match="there is no event in it"):
        said(capsys, str(text), CLEAN)
    assert "aborted-entry.txt.gz: clean" in capsys.readouterr().out
    with pytest.raises(UsageError, match="cannot read"):
        said(capsys, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no FILE given"):
        said(capsys)
    with pytest.raises(UsageError, match="kernel 'six': expected a version"):
        said(capsys, "--kernel", "six", CLEAN)


def test_nothing_compared_is_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The kernel's own events of the scheduler say nothing of a vgic."""
    lines = gzip.decompress(Path(CLEAN).read_bytes()).splitlines()
    kept = tmp_path / "sched"
    kept.write_bytes(b"\n".join(line for line in lines if b" sched_" in line) + b"\n")
    code, last = summary(capsys, str(kept))
    assert (code, last["verdict"], last["compared"]) == (3, "inconclusive", {})


def test_a_planted_fault_is_a_difference(capsys: pytest.CaptureFixture[str]) -> None:
    code, last = summary(capsys, "--plant", "load-line", CLEAN)
    assert code == 1
    assert last["violations"][0]["rule"] == "physical active at load"
    code, _ = summary(capsys, CLEAN)
    assert code == 0


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "--faults")
    assert code == 0
    assert "load-line" in out
    assert "resample-never" in out
    code, last = summary(capsys, "--faults")
    assert (code, last["faults"] > 40) == (0, True)


def test_the_totals_name_kinds_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = said(capsys, CLEAN)
    assert "kernel 6.1 (learnt)" in out
    assert any(line.split()[:2] == ["LR", "bits"] for line in out.splitlines())
    assert "not compared: slept, " in out or "not compared: " in out
    assert out.splitlines()[-1].startswith("clean: ")


def test_it_is_a_command_of_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "follow", CLEAN]) == 0
    assert main(["trace", "follow", SEEDED]) == 1
    capsys.readouterr()
    assert main(["trace", "follow", "--plant", "load-lime", CLEAN]) == 2
    assert capsys.readouterr().err.startswith("error: unknown fault 'load-lime'")
