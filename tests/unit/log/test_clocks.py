"""Vector clocks follow the footprints."""

from harness.log.clocks import VectorClocks

A, B = 1, 2


def test_independent_steps_know_nothing_of_each_other() -> None:
    clocks = VectorClocks(2)
    assert clocks.step(0, 0, A) == (1, 0)
    assert clocks.step(1, 0, B) == (0, 1)


def test_a_read_comes_after_the_write_it_sees() -> None:
    clocks = VectorClocks(2)
    clocks.step(0, 0, A)
    assert clocks.step(1, A, 0) == (1, 1)
    assert clocks.step(0, 0, B) == (2, 0)


def test_two_reads_are_independent_and_a_write_comes_after_both() -> None:
    clocks = VectorClocks(3)
    assert clocks.step(0, A, 0) == (1, 0, 0)
    assert clocks.step(1, A, 0) == (0, 1, 0)
    assert clocks.step(2, 0, A) == (1, 1, 1)


def test_a_barrier_orders_everything() -> None:
    clocks = VectorClocks(2)
    clocks.step(0, 0, A)
    clocks.step(1, 0, B)
    assert clocks.barrier() == (1, 1)
    assert clocks.step(0, 0, 0) == (2, 1)
