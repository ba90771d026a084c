"""Inputs that are nearly right, a few of those that ``python -m tests.fuzz`` runs.

In a process of its own, which is forked again and again: this one has threads.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.cases import KINDS, case
from tests.fuzz.worker import Ended, judged

ROOT = Path(__file__).resolve().parents[2]


def fuzz(*args: object) -> "subprocess.CompletedProcess[str]":
    """Run the fuzzer."""
    command = [sys.executable, "-m", "tests.fuzz", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_few_of_all_kinds() -> None:
    done = fuzz("--inputs", 25, "--seed", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "25 inputs, 0 failed" in done.stdout
    assert set(KINDS) <= {line.partition(":")[0] for line in done.stdout.splitlines()}


@pytest.mark.long
def test_many_of_all_kinds() -> None:
    done = fuzz("--inputs", 250, "--seed", 7)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_input_is_made_from_its_numbers_alone() -> None:
    for kind in ("toml", "variant"):
        assert case(3, 4, kind) == case(3, 4, kind)
        assert case(3, 4, kind) != case(4, 4, kind)


@pytest.mark.parametrize(
    ("ended", "wrong"),
    [
        (Ended(0, 0, 0.1, 1 << 20, "out", ""), ""),
        (Ended(0, 2, 0.1, 1 << 20, "", "error: no\n"), ""),
        (Ended(0, 2, 0.1, 1 << 20, "", "no\n"), "no error is said"),
        (Ended(0, 70, 0.1, 1 << 20, "", ""), "exit code 70"),
        (Ended(0, 1, 0.1, 1 << 20, "", "Traceback (most recent call last)"), "a traceback"),
        (Ended(0, 0, 21.0, 1 << 20, "", ""), "took 21 s"),
        (Ended(0, 0, 0.1, 2 << 30, "", ""), "took 2048 MiB"),
        (Ended(0, -1, 25.0, 0, "", ""), "hung"),
        (Ended(0, -2, 1.0, 0, "", ""), "died"),
        (Ended(0, 130, 1.0, 0, "", ""), "exit code 130"),
    ],
)
def test_what_counts_as_wrong(ended: Ended, wrong: str) -> None:
    said = judged(ended, "args")
    assert (wrong in said) if wrong else said == ""
