"""``log check``: exit codes, what is printed, and that nothing is run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clean(cli: Cli, tmp_path: Path) -> Path:
    path = tmp_path / "clean.jsonl"
    assert cli("run", "timer-wfi", "--log", path).code == 0
    return path


@pytest.fixture
def broken(cli: Cli, tmp_path: Path) -> Path:
    path = tmp_path / "broken.jsonl"
    assert cli("run", "spi-level", "--variant", "v7.2+57", "--log", path).code == 1
    return path


def rewrite(path: Path, *events: str, **header: Any) -> Path:
    """Write the log's copy without the lines of some kinds, with another header."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0] |= header
    left = [line for line in lines if line["event"] not in events]
    copy = path.with_name("copy.jsonl")
    copy.write_text("".join(json.dumps({**x, "seq": i}) + "\n" for i, x in enumerate(left, 1)))
    return copy


def test_clean(cli: Cli, clean: Path) -> None:
    done = cli("log", "check", clean)
    assert done.code == 0
    (line,) = done.out.splitlines()
    assert "clean.jsonl: clean (timer-wfi, variant v7.2)" in line
    assert line.endswith("rules checked, 0 not; agrees with the log's own verdict")
    summary = cli("log", "check", clean, "--json").summary
    assert (summary["verdict"], summary["violations"]) == ("clean", [])
    assert (summary["not_checked"], summary["disagreeing"]) == ({}, [])
    assert {"R0", "L1", "I1"} <= set(summary["checked"])


def test_violated(cli: Cli, broken: Path) -> None:
    done = cli("log", "check", broken)
    assert done.code == 1
    first, *found = done.out.splitlines()
    assert "broken.jsonl: violated" in first
    assert [line.partition(", step ")[0] for line in found] == [
        "  VIOLATED L1 [device]", "  VIOLATED G9 [owed]",
    ]  # fmt: skip
    assert all(", line " in line and ": LOST: " in line for line in found)
    shown = cli("log", "show", broken, "--json").summary["violations"]
    done = cli("log", "check", broken, "--json")
    assert done.code == 1
    assert [json.loads(line)["type"] for line in done.out.splitlines()] == ["log", "summary"]
    violation = done.summary["violations"][0]
    assert {k: violation[k] for k in shown[0]} == shown[0]
    assert (violation["rule"], violation["alarm"]) == ("L1", "device")
    assert violation["line"] > violation["step"] > 0


def test_several_logs(cli: Cli, clean: Path, broken: Path) -> None:
    done = cli("log", "check", clean, broken, clean)
    assert done.code == 1
    assert done.out.splitlines()[-1] == "violated: 3 logs checked"
    done = cli("log", "check", clean, broken, "--json")
    assert (done.code, done.summary["logs"]) == (1, 2)
    assert [Path(v["log"]).name for v in done.summary["violations"]] == ["broken.jsonl"] * 2


def test_some_rules(cli: Cli, broken: Path) -> None:
    done = cli("log", "check", broken, "--rules", "R1,I1", "--json")
    assert (done.code, sorted(done.summary["checked"])) == (0, ["I1", "R1"])
    done = cli("log", "check", broken, "--rules", "R1")
    assert "cannot be compared with the log's own verdict" in done.out
    assert "rests on L1, G9, not checked here" in done.out
    cli("log", "check", broken, "--rules", "R1,R999").refused("unknown rule 'R999'")
    cli("log", "check", broken, "--rules", "").refused("unknown rule ''")


def test_not_checked_is_said_with_what_is_missing(cli: Cli, clean: Path) -> None:
    facts = json.loads(clean.read_text().splitlines()[0])["facts"]
    copy = rewrite(clean, "active", facts=[kind for kind in facts if kind != "active"])
    done = cli("log", "check", copy)
    assert done.code == 0
    assert "  not checked for lack of active: " in done.out
    summary = cli("log", "check", copy, "--json").summary
    assert summary["not_checked"]["R15"] == ["active"]
    assert "R15" not in summary["checked"]
    done = cli("log", "check", copy, "--rules", "R15")
    assert done.code == 3
    assert "inconclusive" in done.out


def test_a_log_that_ends_early(cli: Cli, clean: Path, broken: Path) -> None:
    partial = clean.with_name("x.jsonl.partial")
    partial.write_bytes(clean.read_bytes()[:-3000])
    done = cli("log", "check", partial)
    assert done.code == 3
    assert "checked as far as it goes, to step " in done.out
    summary = cli("log", "check", partial, "--json").summary
    assert (summary["verdict"], summary["not_checked"]["L1"]) == ("inconclusive", ["rest"])
    data = broken.read_bytes()
    partial.write_bytes(data[: data.rindex(b'{"event":"footer"') + 20])
    assert cli("log", "check", partial).code == 1


def test_a_bound_is_said(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bound.jsonl"
    cli("run", "timer-wfi", "--knob", "steps_max=40", "--seed", 1, "--log", path)
    done = cli("log", "check", path)
    assert done.code == 3
    assert "the bound on 'steps' was reached" in done.out
    assert "; agrees with" in done.out


def test_disagreement_is_said_and_the_code_is_that_of_now(cli: Cli, broken: Path) -> None:
    lines = [json.loads(line) for line in broken.read_text().splitlines()]
    lines[-1] |= {"verdict": "clean", "violations": []}
    lines = [line for line in lines if line["event"] != "violation"]
    broken.write_text("".join(json.dumps({**x, "seq": i}) + "\n" for i, x in enumerate(lines, 1)))
    done = cli("log", "check", broken)
    assert done.code == 1
    assert "DISAGREES with the log's own verdict" in done.out
    assert "only now: L1 [device] at step " in done.out
    summary = cli("log", "check", broken, "--json").summary
    assert [Path(name).name for name in summary["disagreeing"]] == ["broken.jsonl"]


def test_bad_input(cli: Cli, clean: Path, broken: Path) -> None:
    cli("log", "check").refused("LOG")
    cli("log", "check", clean.with_name("none")).refused("none", "No such file")
    cli("log", "check", clean.parent).refused("directory")
    cli("log", "check", rewrite(clean, format=1)).refused("line 1", "format 1", "expected format 2")
    cli("log", "check", rewrite(clean, "load", era="seed")).refused("line 1", "era 'seed'")
    copy = clean.with_name("copy.jsonl")
    copy.write_bytes(b"\x00\xff\n")
    cli("log", "check", copy).refused("line 1: not JSON")
    lines = [json.loads(line) for line in clean.read_text().splitlines()]
    next(line for line in lines if line["event"] == "entry")["vcpu"] = 7
    copy.write_text("".join(json.dumps(line) + "\n" for line in lines))
    cli("log", "check", copy).refused("a 'entry' line that is none: vcpu 7, expected 0 to 0")
    # One that is none hides nothing of the others, whose verdict comes first.
    done = cli("log", "check", broken, copy, clean)
    done.refused("copy.jsonl", "vcpu 7")
    assert [line.split(" ")[1] for line in done.out.splitlines() if ".jsonl" in line] == [
        "violated", "clean",
    ]  # fmt: skip
    assert cli("log", "check", broken, copy, "--json").summary["verdict"] == "violated"
    assert cli("log", "check", clean, copy, "--json").summary["verdict"] == "inconclusive"


SCRIPT = """
import sys
from harness.cli.main import main
code = main(["log", "check", *sys.argv[1:]])
print(*sorted(name for name in sys.modules if name.startswith("harness")))
print("trio" in sys.modules)
sys.exit(code)
"""


def test_nothing_is_run(broken: Path, tmp_path: Path) -> None:
    """Scenario and variant do not exist, and nothing that could run them is even imported."""
    copy = rewrite(broken, scenario="nowhere.toml", variant="nobody.py:Nothing", schedule="")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, copy],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    *out, modules, trio = done.stdout.splitlines()
    assert "nowhere.toml, variant nobody.py:Nothing" in out[0]
    assert out[0].endswith("agrees with the log's own verdict")
    assert trio == "False"
    inside = set(modules.split())
    assert "harness.log.check" in inside
    assert not {"harness.world", "harness.spec", "harness.variants", "harness.runtime"} & inside
    assert not [name for name in inside if name.startswith(("harness.engine", "harness.kvm"))]
