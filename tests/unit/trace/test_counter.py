"""What CVAL means on the host's clock, learned from deadlines."""

import pytest

from harness.trace.counter import KEPT, SAMPLES, Counter

OFFSET = 7_000_000_000
LATE = 5_000_000
NS = 1_000_000_000


def learned(hz: int, samples: int = SAMPLES) -> Counter:
    counter = Counter(samples)
    for i in range(samples):
        cval = i * hz // 50
        assert counter.due(cval) is None
        counter.learn(cval, OFFSET + cval * NS // hz + i % 3 * 100)
    return counter


@pytest.mark.parametrize("samples", [2, SAMPLES])
@pytest.mark.parametrize("hz", [62_500_000, 24_000_000, 1_000_000_000, 19_200_000])
def test_the_frequency_is_found_and_lateness_measured(hz: int, samples: int) -> None:
    counter = learned(hz, samples)
    assert counter.rate == hz
    due = OFFSET + 3 * NS
    counter.learn(3 * hz, due + LATE)
    assert counter.due(3 * hz) == due
    counter.learn(3 * hz, due - 100)
    assert counter.due(3 * hz) == due - 100


def test_a_few_late_ones_among_the_first_do_not_matter() -> None:
    counter, hz = Counter(), 62_500_000
    for i in range(SAMPLES):
        cval = i * hz // 50
        counter.learn(cval, OFFSET + cval * 16 + (LATE if i % 5 == 0 else 0))
    assert counter.rate == hz
    counter.learn(5 * hz, OFFSET + 5 * NS + LATE)
    assert counter.due(5 * hz) == OFFSET + 5 * NS


def test_another_offset_is_not_lateness() -> None:
    counter, hz = learned(62_500_000), 62_500_000
    base = OFFSET + 10_000_000
    for i in range(4, 4 + KEPT):
        assert counter.due(i * hz) == OFFSET + i * NS
        counter.learn(i * hz, base + i * NS)
    assert counter.due(99 * hz) == base + 99 * NS
    counter.learn(99 * hz, 0)
    assert (counter.rate, counter.due(99 * hz)) == (0, None)


def test_deadlines_close_together_tell_no_frequency() -> None:
    counter, hz = Counter(2), 62_500_000
    for i in range(4):
        counter.learn(i * hz // 1000, OFFSET + i * 1_000_000)
        assert counter.rate == 0
    counter.learn(hz, OFFSET + NS)
    assert counter.rate == hz


def test_of_few_deadlines_all_must_agree() -> None:
    """Two that stand close together fit any frequency."""
    counter, hz = Counter(2), 62_500_000
    for cval, late in ((0, 0), (hz // 1000, 0), (hz // 100, 900_000)):
        counter.learn(cval, OFFSET + cval * 16 + late)
    assert counter.rate == 0


def test_nothing_that_fits_is_no_frequency() -> None:
    counter = Counter()
    for i in range(9 * SAMPLES):
        counter.learn(i * i * 1_000_003, i * 777_777_777)
        assert counter.due(i) is None
