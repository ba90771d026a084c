"""A log appears whole or stays partial, overwrites nothing, and says what could not be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from harness.errors import UsageError
from harness.log.reader import read_log
from harness.log.record import record
from harness.log.writer import LogFile
from harness.places import default_log_root, new_folder, slug
from harness.spec import RunSpec
from tests.replay.support import ROOT, random_schedule


def test_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    log = LogFile(path)
    log.write("entry", seq=1, t=5, step=2, task="v0", vcpu=0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl.partial"]
    assert log.commit() == path
    assert path.read_bytes() == (b'{"event":"entry","seq":1,"t":5,"step":2,"task":"v0","vcpu":0}\n')
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    names = []
    for _ in range(3):
        log = LogFile(path)
        log.write("entry")
        names.append(log.commit().name)
    assert names == ["a.jsonl", "a-2.jsonl", "a-3.jsonl"]
    with pytest.raises(UsageError, match="never overwritten"):
        LogFile(path, exact=True)
    (tmp_path / "b.jsonl.partial").touch()
    with pytest.raises(UsageError, match=r"b\.jsonl\.partial' exists"):
        LogFile(tmp_path / "b.jsonl", exact=True)


def test_two_at_once_get_two_names(tmp_path: Path) -> None:
    one, two = LogFile(tmp_path / "a.jsonl"), LogFile(tmp_path / "a.jsonl")
    assert one.commit() != two.commit()


def test_a_name_taken_meanwhile_is_kept(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.jsonl")
    log.write("entry")
    (tmp_path / "a.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="File exists"):
        log.commit()
    assert (tmp_path / "a.jsonl").read_text() == "mine"
    assert (tmp_path / "a.jsonl.partial").read_bytes() == b'{"event":"entry"}\n'


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        LogFile(tmp_path / "none" / "a.jsonl")


def test_root_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot make the log folder"):
        new_folder(tmp_path / "file", "run")


def test_nothing_global_is_touched(tmp_path: Path) -> None:
    before = structlog.get_config()
    LogFile(tmp_path / "a.jsonl").commit()
    assert structlog.get_config() == before
    assert not structlog.is_configured()


FULL = """
import resource, signal, sys
from pathlib import Path
from harness.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


def in_process(script: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        # No bytecode: written under the limit it would be left truncated, for good.
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("engine", ["direct", "trio"])
def test_full_disk(tmp_path: Path, engine: str) -> None:
    log = tmp_path / "log.jsonl"
    done = in_process(
        FULL, "4096", "run", "timer-wfi", "--seed", "1", "--engine", engine, "--log", str(log)
    )
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1].startswith("reproduce: vgic-race replay")
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: cannot write the log {str(log)!r}: File too large;")
    assert not log.exists()
    partial = tmp_path / "log.jsonl.partial"
    assert partial.stat().st_size == 4096
    assert read_log(partial, partial=True).footer is None


def test_full_disk_in_the_middle_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in ("direct", "trio"):
        monkeypatch.setattr("harness.log.writer.BUFFER_LINES", 2)
        real = os.write
        written = 0

        def write(descriptor: int, data: bytes, real: object = real) -> int:
            nonlocal written
            written += 1
            if written > 20:
                raise OSError(28, "No space left on device")
            return real(descriptor, data)  # type: ignore[operator, no-any-return]

        schedule = random_schedule("migrate", "v7.2", 1)
        monkeypatch.setattr("harness.log.writer.os.write", write)
        with pytest.raises(UsageError, match="No space left on device"):
            record(RunSpec.from_schedule(schedule), schedule, tmp_path / engine, engine=engine)
        monkeypatch.undo()
        log = read_log(tmp_path / f"{engine}.partial", partial=True)
        assert len(log.entries) > 10


INTERRUPT = """
import os, signal, sys
from pathlib import Path
from harness.cli.main import main
from harness.log.record import Recorder
real = Recorder.on_step
def on_step(self, slot, op):
    real(self, slot, op)
    if self.execution.steps == 30:
        os.kill(os.getpid(), signal.SIGINT)
Recorder.on_step = on_step
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("engine", ["direct", "trio"])
def test_ctrl_c_leaves_what_there_is(tmp_path: Path, engine: str) -> None:
    log = tmp_path / "log.jsonl"
    done = in_process(
        INTERRUPT, "run", "timer-wfi", "--seed", "1", "--engine", engine, "--log", str(log)
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert not log.exists()
    partial = read_log(tmp_path / "log.jsonl.partial", partial=True)
    assert partial.footer is None
    assert partial.entries[-1].meta.step >= 29


def test_default_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VGIC_RACE_LOGS", raising=False)
    inner = tmp_path / "project" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    monkeypatch.chdir(inner)
    assert default_log_root() == tmp_path / "project" / "logs"
    monkeypatch.setenv("VGIC_RACE_LOGS", "elsewhere")
    assert default_log_root() == Path("elsewhere")


def test_slug() -> None:
    assert slug("../my/file.py:Class") == "my-file.py-Class"
