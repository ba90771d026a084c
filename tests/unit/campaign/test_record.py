"""A campaign's record: what is written can be read, whatever becomes of the disk or the writer."""

import errno
import os
from pathlib import Path

import pytest

from harness.campaign.batches import BatchResult, Finding
from harness.campaign.plan import Plan
from harness.campaign.record import NAME, WHOLE_MOST, Record, is_running, read_record
from harness.engine.execution import Violation
from harness.errors import UsageError
from harness.spec import RunSpec
from model.check.violation import Subject
from model.identity import Actor

PLAN = Plan(
    specs=(RunSpec.make("timer-wfi", "v7.2"), RunSpec.make("migrate", "v4.14")), seed=1,
    schedules=100, deadline=12.5,
)  # fmt: skip


LOOSE = (
    b'{"type":"finding","entry":0,"finding":{"index":1,"schedule":"","steps":1,"violations":[]}}\n'
)


def finding(index: int, schedule: str = "", steps: int = 7) -> Finding:
    subject = Subject(Actor("vcpu", vcpu=0), pcpu=1)
    violation = Violation("R23", "entered", subject, (("a", 1), ("b", "c"), ("d", True)), step=5)
    return Finding(index, schedule or f"s{index}", steps, (violation,))


def begun(folder: Path) -> Record:
    record = Record(folder / NAME)
    record.begin(PLAN, "2026-01-01", None)
    return record


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = begun(tmp_path)
    record.found(0, finding(3))
    record.found(1, finding(40))
    record.found(0, finding(-1))
    result = BatchResult(0, 0, 32, done=32, steps=70, reached={5: 31, 0: 1}, k=9)
    result.findings = [finding(3)]
    record.ran(result)
    assert is_running(tmp_path)
    record.close()
    assert not is_running(tmp_path)
    past = read_record(tmp_path)
    assert past.plan.specs == PLAN.specs
    assert past.plan.deadline is None
    assert past.results == [[result], []]
    assert past.loose == [[], [finding(40)]]


def test_a_line_that_is_cut_off_is_left_out_and_then_cut_away(tmp_path: Path) -> None:
    record = begun(tmp_path)
    record.found(0, finding(3))
    record.close()
    path = tmp_path / NAME
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"finding","entry":0,"fin')
    assert [f.index for f in read_record(tmp_path).loose[0]] == [3]
    record = Record(path)
    record.found(0, finding(4))
    record.close()
    assert [f.index for f in read_record(tmp_path).loose[0]] == [3, 4]


def test_a_full_disk_loses_nothing_that_fits_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = begun(tmp_path)
    write = os.write

    def full(file: int, data: bytes) -> int:
        if file == record.file:
            if len(data) > 10:
                return write(file, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    record.found(0, finding(3))
    record.found(0, finding(4))
    assert "no space left" in record.error
    assert read_record(tmp_path).loose[0] == []
    monkeypatch.setattr(os, "write", write)
    record.found(0, finding(5))
    assert not record.error
    record.close()
    assert [f.index for f in read_record(tmp_path).loose[0]] == [3, 4, 5]


def test_very_many_of_a_kind_are_written_without_what_replays_them(tmp_path: Path) -> None:
    record = begun(tmp_path)
    for index in range(WHOLE_MOST + 20):
        record.found(0, finding(index, steps=7))
    record.found(0, finding(9000, steps=6))
    record.close()
    loose = read_record(tmp_path).loose[0]
    assert len(loose) == WHOLE_MOST + 21
    assert all(f.schedule for f in loose[:WHOLE_MOST])
    assert not any(f.schedule for f in loose[WHOLE_MOST:-1])
    assert loose[-1].schedule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "line 1"), (b"{}\n", "line 1"),
        (b"\xff\n", "line 1"), (b"[" * 99_999 + b"\n", "line 1"),
        (LOOSE, "expected the plan"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(tmp_path: Path, text: bytes, words: str) -> None:
    (tmp_path / NAME).write_bytes(text)
    with pytest.raises(UsageError, match=words):
        read_record(tmp_path)


def test_an_entry_that_the_plan_has_not_is_refused(tmp_path: Path) -> None:
    record = begun(tmp_path)
    record.found(2, finding(3))
    record.close()
    with pytest.raises(UsageError, match="no entry 2, the plan has 2"):
        read_record(tmp_path)
