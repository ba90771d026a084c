"""The kept recordings of real kernels: they are whole, and what their README says is in them."""

import gzip
import re
from collections import Counter
from pathlib import Path

import pytest

from harness.trace import events as ev
from harness.trace.line import Counts, records
from tests.conformance.record.cut import cut
from tests.conformance.registers import compare

DATA = Path(__file__).parent / "data"
README = (DATA / "rec-README.md").read_text()
SECTION = re.compile(r"^## (rec-\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^- (\d+) `(.+?)`", re.MULTILINE)
TOLD = {match[1]: match[2] for match in SECTION.finditer(README)}
FILES = sorted(path.name for path in DATA.glob("rec-*.gz"))
SMALL = 40_000


def test_every_recording_is_told_of() -> None:
    assert len(FILES) > 8
    assert sorted(TOLD) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_recording_is_whole(name: str) -> None:
    packed = (DATA / name).read_bytes()
    assert len(packed) < SMALL
    assert cut(packed) == packed
    counts = Counts()
    lines = gzip.decompress(packed).splitlines(keepends=True)
    kinds = Counter(type(item.event) for item in records(lines, counts))
    assert (counts.malformed, counts.garbage, counts.lost, counts.overwritten) == (0, 0, 0, 0)
    assert kinds[ev.VcpuLoad] == kinds[ev.VcpuPut] > 5
    assert kinds[ev.LrEntry] == kinds[ev.GuestEntry] > 10
    assert kinds[ev.LrEntry] <= kinds[ev.Flush]


@pytest.mark.parametrize("name", FILES)
def test_the_registers_are_what_was_put_into_them(name: str) -> None:
    trace = gzip.decompress((DATA / name).read_bytes())
    assert compare(trace, 2 if b", gic 2, " in trace.splitlines()[0] else 3) > 3


def test_a_wrong_register_is_noticed() -> None:
    trace = gzip.decompress((DATA / "rec-7.2-timer.txt.gz").read_bytes())
    with pytest.raises(AssertionError):
        compare(trace.replace(b"prio=128", b"prio=136"), 3)


@pytest.mark.parametrize("name", FILES)
def test_what_the_readme_says_is_there(name: str) -> None:
    lines = gzip.decompress((DATA / name).read_bytes()).decode().splitlines()
    told = LINE.findall(TOLD[name])
    assert len(told) >= 2
    for number, text in told:
        assert text in lines[int(number) - 1], (name, number)
