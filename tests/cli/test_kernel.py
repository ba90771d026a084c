"""``kernel``: what can be said without a kernel (tests/conformance/test_real_kernel.py has one)."""

from pathlib import Path

import pytest

from tests.cli.support import Cli


def test_list_says_what_can_be_run_and_why_not(cli: Cli) -> None:
    plain = {row["scenario"]: row for row in cli("kernel", "list", "--json").lines[:-1]}
    assert plain["timer-wfi"]["why_not"] == ""
    assert "HW bit" in plain["spi-level"]["why_not"]
    software = cli("kernel", "list", "--software", "--json")
    assert software.summary["scenarios"] > cli("kernel", "list", "--json").summary["scenarios"]
    assert "yes" in cli("kernel", "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "either a SCENARIO"), (("spi-level",), "--software"), (("timer-wfj",), "timer-wfi"),
     (("timer-wfi", "--kernel", "none"), "No such file"), (("reset", "--gic", "2"), "GICv2")],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli("kernel", "run", "--software", *words) if "reset" in words else cli(
        "kernel", "run", *words
    )  # fmt: skip
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_source_that_is_none(cli: Cli, tmp_path: Path) -> None:
    done = cli("kernel", "build", str(tmp_path))
    assert done.code == 2
    assert "arch/arm64/kvm" in done.err or "kernel build needs" in done.err
