"""``trace check``: exit codes, what is printed, and bad input."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.conformance.traces import lines_of, small

CLEAN, SEED = small("gicv3"), small("seed3")


def test_clean(cli: Cli) -> None:
    done = cli("trace", "check", CLEAN)
    assert done.code == 0
    first = done.out.splitlines()[0]
    assert "gicv3.txt.gz: clean, 1512 lines, 1500 events, " in first
    assert first.endswith("0 violations")


def test_violated(cli: Cli) -> None:
    done = cli("trace", "check", SEED)
    assert done.code == 1
    lines = done.out.splitlines()
    at = next(i for i, line in enumerate(lines) if "VIOLATED" in line)
    assert lines[at].startswith("  VIOLATED T1 [dropped], 13.380521, VCPU 0, line 138: the timer")
    life = [line for line in lines[at + 1 :] if line.startswith("      ")]
    assert any(">> T1: dropped" in line for line in life)
    assert any("gives level 1 for vINTID 27" in line for line in life)


def test_json(cli: Cli) -> None:
    done = cli("trace", "check", SEED, CLEAN, "--json")
    assert done.code == 1
    summary = done.summary
    (violation,) = summary["violations"]
    assert (violation["rule"], violation["alarm"], violation["type"]) == (
        "T1", "dropped", "violation",
    )  # fmt: skip
    assert (violation["time"], violation["line"], violation["vcpu"]) == (13.380521, 138, 0)
    assert (violation["intid"], violation["t"]) == (27, 13_380_521_000)
    assert violation["text"]
    assert violation["life"]
    assert (summary["verdict"], summary["traces"], summary["lines"]) == ("violated", 2, 1817)
    assert summary["events"] == 1500 + 293
    assert set(summary["not_checked"]["R28"]) == {
        "counter-moved",
        "guest-timer",
        "tick",
        "vm-reset",
    }
    assert "T1" in summary["checked"]
    per_trace = [json.loads(line) for line in done.out.splitlines()[:-1]]
    assert [one["verdict"] for one in per_trace] == ["violated", "clean"]


def test_rules_can_be_chosen(cli: Cli) -> None:
    summary = cli("trace", "check", SEED, "--rules", "T3,R2b", "--json").summary
    assert (summary["verdict"], summary["checked"]) == ("clean", ["R2b", "T3"])
    cli("trace", "check", SEED, "--rules", "T99").refused("rule", "T99")


def test_nothing_to_check(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text("# tracer: nop\n  sh-1   [000] d....  1.000001: sys_enter: NR 1 (2, 3)\n")
    done = cli("trace", "check", path, "--json")
    assert (done.code, done.summary["verdict"]) == (3, "inconclusive")
    assert (done.summary["unknown"], done.summary["checked"]) == (1, [])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"no trace\nat all\n", "no event"),
        (b"\x17\x08\x44tracing6\0", "trace-cmd report"),
        (b"PERFILE2" + bytes(99), "perf.data"),
        (bytes(range(256)) * 9, "binary"),
        (b"\x1f\x8b\x08\0garbage that is no gzip", "gzip"),
    ],
)
def test_what_is_no_trace_is_refused(cli: Cli, tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "none"
    path.write_bytes(content)
    cli("trace", "check", path).refused(word, "none")


def test_a_missing_file_is_refused_and_the_others_are_looked_at(cli: Cli, tmp_path: Path) -> None:
    done = cli("trace", "check", tmp_path / "gone", CLEAN)
    done.refused("cannot read", "gone")
    assert "gicv3.txt.gz: clean" in done.out


def test_a_cut_off_gzip_is_checked_as_far_as_it_goes(cli: Cli, tmp_path: Path) -> None:
    whole = CLEAN.read_bytes()
    path = tmp_path / "cut.gz"
    path.write_bytes(whole[: len(whole) // 2])
    done = cli("trace", "check", path, "--json")
    assert (done.code, done.summary["verdict"]) == (3, "inconclusive")
    assert 100 < done.summary["lines"] < 1512
    assert json.loads(done.out.splitlines()[0])["damage"] == "its gzip data ends early"
    path.write_bytes(SEED.read_bytes()[:-20])
    assert cli("trace", "check", path).code == 1


def test_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"\n".join(lines_of(SEED)) + b"\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    done = cli("trace", "check", "-")
    assert done.code == 1
    assert done.out.startswith("standard input: violated")


def test_losses_are_told(cli: Cli, tmp_path: Path) -> None:
    lines = lines_of(CLEAN)
    path = tmp_path / "lossy.txt"
    path.write_bytes(b"\n".join([*lines[:700], b"CPU:0 [LOST 12 EVENTS]", *lines[700:]]) + b"\n")
    done = cli("trace", "check", path)
    assert done.code == 0
    assert "events were lost 1 times (12 and more)" in done.out
