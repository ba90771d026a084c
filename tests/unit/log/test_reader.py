"""What is no log is said to be none, with the line."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.log.reader import facts_of, read_header, read_log
from harness.log.record import record
from harness.log.views import columns
from harness.spec import RunSpec
from model.facts import Entered
from tests.replay.support import random_schedule


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    schedule = random_schedule("timer-wfi", "v4.14", 1)
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    record(RunSpec.from_schedule(schedule), schedule, path, seed=1)
    return path.read_bytes().splitlines(keepends=True)


def error(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        read_log(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_back(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(lines))
    log = read_log(path)
    assert (log.header.scenario, log.header.variant, log.header.seed) == ("timer-wfi", "v4.14", 1)
    assert log.footer is not None
    assert log.footer.dropped == 0
    assert sum(log.footer.counts.values()) == len(lines) == log.footer.seq
    assert log.footer.counts["step"] == log.footer.steps
    found = list(facts_of(path))
    assert len(found) == log.footer.events
    meta, fact = next((m, f) for m, f in found if isinstance(f, Entered))
    assert fact == Entered(vcpu=0, pcpu=0)
    assert (meta.task, meta.pcpu, meta.vcpu) == ("v0", 0, 0)
    assert len(meta.vc) == len(log.header.tasks)
    assert meta.vc[log.header.tasks.index("v0")] > 0
    assert len(list(columns(log))) == len(lines) - 1


def test_empty(tmp_path: Path) -> None:
    assert "is empty" in error(tmp_path / "x", b"")
    assert "is empty" in error(tmp_path / "x", b"\n")


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the log"):
        read_header(tmp_path / "none")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello\n", "line 1: not JSON"),
        (b"\xff\xfe\n", "line 1: not JSON"),
        (b"[1]\n", "line 1: not a log line"),
        (b'{"event":"entry"}\n', "line 1: expected the header, found 'entry'"),
        (b'{"event":"header","format":99}\n', "line 1: format 99, expected format 2"),
        (
            b'{"event":"header","format":1,"version":"0.1.0"}\n',
            "line 1: format 1 of vgic-race 0.1.0, expected format 2",
        ),
        (b'{"event":"header","format":2}\n', "line 1: a 'header' line that is none"),
    ],
)
def test_no_log(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in error(tmp_path / "x", data)


def test_garbled_lines(lines: list[bytes], tmp_path: Path) -> None:
    for line, said in (
        (b"oops\n", "not JSON"),
        (b'{"event":"nonsense"}\n', "unknown event 'nonsense'"),
        (b'{"event":"entry","seq":4,"pcpu":0}\n', "a 'entry' line that is none"),
        (b'{"event":"entry","seq":4,"pcpu":0,"vcpu":"x"}\n', "a 'entry' line that is none"),
        (lines[4], "seq is 5: a line is missing"),
        (lines[0], "seq is 1: a line is missing"),
    ):
        data = b"".join([*lines[:3], line, *lines[4:]])
        assert f"line 4: {said}" in error(tmp_path / "x", data)


def test_truncated(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "x"
    cut = b"".join(lines[:10])
    assert "line 10: the log is truncated after this line" in error(path, cut)
    assert "line 10: the log is truncated here, in the middle" in error(path, cut[:-5])
    log = read_log(path, partial=True)
    assert log.footer is None
    assert len(log.entries) == 8


def test_after_the_footer(lines: list[bytes], tmp_path: Path) -> None:
    data = b"".join([*lines, lines[3]])
    assert "something after the footer" in error(tmp_path / "x", data)
