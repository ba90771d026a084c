"""Bytes to lines: packed or not, whole or not, in flat memory."""

import gzip
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.trace.source import LONGEST, Source


def lines_in(path: Path) -> tuple[list[bytes], Source]:
    with Source(str(path)) as source:
        return list(source), source


def test_plain_and_packed_are_the_same(tmp_path: Path) -> None:
    text = b"one\ntwo\n\nfour\nand five\n"
    plain, packed = tmp_path / "a", tmp_path / "b"
    plain.write_bytes(text)
    # Two members, as two files that were put together, and zeros behind.
    packed.write_bytes(gzip.compress(text[:6]) + gzip.compress(text[6:]) + bytes(20))
    for path in (plain, packed):
        lines, source = lines_in(path)
        assert lines == [b"one", b"two", b"", b"four", b"and five"]
        assert (source.cut, source.damage, source.size) == (False, "", len(text))


def test_a_last_line_without_end_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw")
    lines, source = lines_in(path)
    assert (lines, source.cut) == ([b"one"], True)


def test_a_line_without_end_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * (40 * LONGEST) + b"\nnext\n")
    lines, _ = lines_in(path)
    assert lines[1:] == [b"next"]
    assert len(lines[0]) < 10 * LONGEST


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    packed = gzip.compress(b"".join(b"%d\n" % i for i in range(9999)))
    path.write_bytes(packed[:-300])
    lines, source = lines_in(path)
    assert source.damage == "its gzip data ends early"
    assert lines[:3] == [b"0", b"1", b"2"]
    path.write_bytes(packed[:9000] + bytes(200) + packed[9000:])
    _, source = lines_in(path)
    assert source.damage == "its gzip data is damaged"


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for name in (str(tmp_path), str(tmp_path / "gone"), "a\0b"):
        with pytest.raises(UsageError, match="cannot read"), Source(name) as source:
            list(source)
