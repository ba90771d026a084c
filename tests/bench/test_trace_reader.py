"""Reading traces: lines a second of CPU time, and memory that does not grow with the trace."""

import time
import tracemalloc
from collections.abc import Iterator

import pytest

from harness.trace.check import check_lines
from harness.trace.line import Counts, records
from tests.conformance.traces import CLEAN, lines_of, small

LINES_A_SECOND = 200_000
JUDGED_A_SECOND = 30_000
GIGABYTE = 1_000_000_000
GROWTH_MAX = 2_000_000
"""Bytes that a gigabyte may need more than its first hundredth."""


def repeated(size: int, names: tuple[str, ...] = CLEAN) -> Iterator[bytes]:
    """So many bytes of the small traces, over and over."""
    texts = [lines_of(small(name)) for name in names]
    done = 0
    while True:
        for lines in texts:
            yield from lines
            done += sum(map(len, lines)) + len(lines)
            if done >= size:
                return


@pytest.mark.bench
def test_lines_a_second_of_a_gigabyte_in_flat_memory() -> None:
    warm, counts = Counts(), Counts()
    began = time.process_time()
    read = sum(1 for _ in records(repeated(GIGABYTE), counts))
    seconds = time.process_time() - began
    rate = counts.lines / seconds
    print(f"\ntrace reader: {rate:,.0f} lines/s over {counts.lines:,} lines, {read:,} records")
    assert rate >= LINES_A_SECOND
    tracemalloc.start()
    try:
        for _ in records(repeated(GIGABYTE // 1000), warm):
            pass
        first = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        for _ in records(repeated(GIGABYTE // 100), warm):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"peak of a hundredth {peak:,} bytes, of a thousandth {first:,}")
    assert peak - first < GROWTH_MAX


@pytest.mark.bench
def test_checking_in_flat_memory() -> None:
    began = time.process_time()
    report = check_lines(repeated(20_000_000, ("gicv3",)), "repeated")
    seconds = time.process_time() - began
    lines = report.counts.lines
    print(f"\ntrace check: {lines / seconds:,.0f} lines/s over {lines:,} lines")
    assert lines / seconds >= JUDGED_A_SECOND
    tracemalloc.start()
    try:
        check_lines(repeated(1_000_000, ("gicv3",)), "repeated")
        first = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        check_lines(repeated(4_000_000, ("gicv3",)), "repeated")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"peak of 4 MB {peak:,} bytes, of 1 MB {first:,}")
    assert peak - first < 5 * GROWTH_MAX
