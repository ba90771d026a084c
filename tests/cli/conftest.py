"""Runs the command line in this process, or as a real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


class Done:
    """How a command ended. No command may ever show a traceback."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in out + err

    @property
    def summary(self):
        lines = [json.loads(line) for line in self.out.splitlines()]
        assert lines[-1]["type"] == "summary"
        return lines[-1]

    def refused(self, *words):
        """Assert that the input was refused with one line that has all these words."""
        assert self.code == 2, (self.out, self.err)
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        assert self.err.splitlines()[-1] == errors[0]
        for word in words:
            assert word in errors[0]


@pytest.fixture
def logs(tmp_path, monkeypatch):
    folder = tmp_path / "logs"
    monkeypatch.setenv("VGIC_RACE_LOGS", str(folder))
    return folder


@pytest.fixture
def cli(logs, capfd):
    def run(*args):
        capfd.readouterr()
        code = main([str(a) for a in args])
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture
def start(logs):
    """Start a command as a process, in a group of its own, with pipes."""
    running = []

    def begin(*args, **options):
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli.main", *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
            **options,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def finish():
    """Wait for a process, and for everyone who holds its pipes."""

    def end(process):
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, out, err)

    return end
