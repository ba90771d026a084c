"""The entry point: help, version, names that are not, and what is imported when."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main as entry
from tests.cli.support import Cli, Start


def test_help_tells_the_exit_codes(cli: Cli) -> None:
    done = cli("--help")
    assert done.code == 0
    text = " ".join(done.out.split())
    for code in ("0 clean", "1 violated", "2 usage", "3 inconclusive", "130 interrupted"):
        assert code in text
    for name in entry.COMMANDS:
        assert re.search(rf"^  {name} ", done.out, re.MULTILINE)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness.cli.main import main; main(['--help']);"
        "print([m for m in ('trio','structlog','rich','hypothesis','msgspec') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert done.code == 0
    assert re.fullmatch(r"vgic-race \S+( \([0-9a-f]+\))?\n", done.out)


def test_every_command_can_be_imported(cli: Cli) -> None:
    for name in entry.COMMANDS:
        assert cli(name, "--help").code == 0


def test_unknown_names(cli: Cli) -> None:
    cli("strss").refused("unknown command 'strss'", "'stress'")
    cli("stress", "--strateg", "x").refused("--strateg", "--strategy")
    cli("stress", "--jobs", "0").refused("--jobs")
    cli("stress", "--seconds", "0").refused("--seconds")
    cli("list", "rulez").refused("'rulez'", "'rules'")


def test_an_internal_error_is_one_line_and_tells_how_to_see_more(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault\nof ours")

    monkeypatch.setattr("harness.cli.list.scenarios", broken)
    monkeypatch.setitem(sys.modules["harness.cli.list"].KINDS, "scenarios", broken)
    done = cli("list", "scenarios")
    assert done.code == 70
    assert done.err.count("\n") == 1
    assert "internal error: RuntimeError" in done.err
    assert "VGIC_RACE_TRACEBACK=1" in done.err


def test_an_interrupt_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules["harness.cli.list"].KINDS, "scenarios", interrupted)
    done = cli("list", "scenarios")
    assert (done.code, done.err) == (130, "interrupted\n")


def test_a_closed_pipe_is_quiet(start: Start) -> None:
    process = start("list", "rules")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 141


def test_a_full_stdout_is_bad_luck_not_a_bug(start: Start) -> None:
    with open("/dev/full", "w") as full:
        code = [sys.executable, "-m", "harness.cli.main", "list", "rules"]
        done = subprocess.run(code, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device\n"


def test_no_stdout_at_all_is_no_verdict(logs: Path) -> None:
    command = f"{sys.executable} -m harness.cli.main list rules >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 141
    assert done.stderr == "error: stdout is closed\n"


def test_items_say_what_they_are(cli: Cli) -> None:
    first = cli("list", "strategies", "--json").out.splitlines()[0]
    assert '"type":"strategy"' in first


@pytest.mark.parametrize(
    "what", ["scenarios", "variants", "rules", "strategies", "knobs", "faults"]
)
def test_lists(cli: Cli, what: str) -> None:
    assert cli("list", what).code == 0
    summary = cli("list", what, "--json").summary
    assert summary["count"] > 0
    assert summary["verdict"] == "clean"


def test_variants_say_where_they_cannot_be_and_where_they_come_from(cli: Cli) -> None:
    out = cli("list", "variants").out
    assert "36e5cfd410ad" in out
    assert "not in era v4.14: until 4.14" in out
