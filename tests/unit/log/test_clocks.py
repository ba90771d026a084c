"""Vector clocks follow the footprints."""

from random import Random

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


def naively(tasks: int, steps: list[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    """By the definition: after the last write of all it touches, and the reads since of what it
    writes, of each the whole clock."""
    own = [(0,) * tasks for _ in range(tasks)]
    written: dict[int, tuple[int, ...]] = {}
    read: dict[int, tuple[int, ...]] = {}
    found = []
    for task, reads, writes in steps:
        before = [own[task]]
        for bit in range(8):
            if (reads | writes) >> bit & 1:
                before.append(written.get(bit, own[task]))
            if writes >> bit & 1:
                before.append(read.get(bit, own[task]))
        clock = [max(values) for values in zip(*before, strict=True)]
        clock[task] += 1
        own[task] = tuple(clock)
        for bit in range(8):
            if writes >> bit & 1:
                written[bit] = own[task]
                read.pop(bit, None)
            elif reads >> bit & 1:
                since = read.get(bit, own[task])
                read[bit] = tuple(map(max, since, own[task]))
        found.append(own[task])
    return found


def test_clocks_are_those_of_the_definition() -> None:
    random = Random(5)
    for _ in range(60):
        few = [0, *(1 << i for i in range(8)), 3, 0x81]
        choose = random.choice
        steps = [(random.randrange(4), choose(few), choose(few)) for _ in range(40)]
        clocks = VectorClocks(4)
        assert [clocks.step(*step) for step in steps] == naively(4, steps)
