"""What CVAL means on the host's clock, learned from deadlines."""

from harness.trace.counter import SAMPLES, SHIFTED, Counter

OFFSET = 7_000_000_000
LATE = 5_000_000


def learned(hz: int) -> tuple[Counter, int]:
    counter = Counter()
    for i in range(SAMPLES):
        cval = i * hz // 50
        assert counter.due(cval, OFFSET + cval * 1_000_000_000 // hz + i % 3 * 100) is None
    return counter, hz


def test_the_frequency_is_found_and_lateness_measured() -> None:
    for hz in (62_500_000, 24_000_000, 1_000_000_000, 19_200_000):
        counter, _ = learned(hz)
        assert counter.rate == hz
        due = OFFSET + 3 * 1_000_000_000
        assert counter.due(3 * hz, due + LATE) == due
        assert counter.due(3 * hz, due + 100) == due


def test_a_few_late_ones_among_the_first_do_not_matter() -> None:
    counter, hz = Counter(), 62_500_000
    for i in range(SAMPLES):
        cval = i * hz // 50
        counter.due(cval, OFFSET + cval * 16 + (LATE if i % 5 == 0 else 0))
    assert counter.rate == hz
    assert counter.due(5 * hz, OFFSET + 5 * 1_000_000_000 + LATE) == OFFSET + 5 * 1_000_000_000


def test_another_offset_is_not_lateness() -> None:
    counter, hz = learned(62_500_000)
    base = OFFSET + 10_000_000
    answers = [counter.due(i * hz, base + i * 1_000_000_000) for i in range(4, 4 + 2 * SHIFTED)]
    assert answers[-1] == base + (3 + 2 * SHIFTED) * 1_000_000_000
    assert counter.due(99 * hz, 0) is None
    assert counter.rate == 0


def test_nothing_that_fits_is_no_frequency() -> None:
    counter = Counter()
    for i in range(9 * SAMPLES):
        assert counter.due(i * i * 1_000_003, i * 777_777_777) is None
    assert counter.rate == 0
