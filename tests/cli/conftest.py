"""Runs the command line in this process, or as a real one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from tests.cli.support import Cli, Done, Finish, Process, Start

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "logs"
    monkeypatch.setenv("VGIC_RACE_LOGS", str(folder))
    monkeypatch.setenv("VGIC_RACE_KEPT", str(tmp_path / "kept"))
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def cli(logs: Path, capfd: pytest.CaptureFixture[str]) -> Cli:
    def run(*args: object) -> Done:
        capfd.readouterr()
        code = main([str(a) for a in args])
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture
def start(logs: Path) -> Iterator[Start]:
    """Start a command as a process, in a group of its own, with pipes."""
    running: list[Process] = []

    def begin(*args: object, **options: Any) -> Process:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli.main", *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # No bytecode: a test that limits the size of files would leave it truncated.
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
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
def finish() -> Finish:
    """Wait for a process, and for everyone who holds its pipes."""

    def end(process: Process) -> Done:
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, out, err)

    return end
