"""Vector clocks, computed from the footprints of the steps.

A step happens after the last write of everything it reads, and after the last write and the reads
since of everything it writes. A step's guard counts as read: what let the task go came before.

An access is kept as who made it and with which clock. Whoever has heard of that task's step
``clock[task]`` or a later one has heard of all that this clock has, so that one comparison mostly
saves a join: the epochs of Flanagan and Freund, FastTrack (PLDI 2009).
"""

from functools import lru_cache

__all__ = ["VectorClocks"]

Clock = tuple[int, ...]
Access = tuple[int, int, Clock]
"""A task, how many steps it had made with this one, and its clock."""
NEVER: Access = (0, 0, ())
MASKS_MAX = 4_096


def join(a: Clock, b: Clock) -> Clock:
    """Return the earliest clock that is after both."""
    return tuple(map(max, a, b))


class VectorClocks:
    """One clock per task, and per resource bit its last writer and the readers since."""

    def __init__(self, tasks: int) -> None:
        self.zero: Clock = (0,) * tasks
        self.clocks: list[Clock] = [self.zero] * tasks
        self.written: list[Access] = []
        self.read: list[dict[int, Access]] = []

    def step(self, task: int, reads: int, writes: int) -> Clock:
        """Account for a step of ``task`` with this footprint; return its clock."""
        read, wrote, size = split(reads, writes)
        if size > len(self.written):
            more = size - len(self.written)
            self.written += [NEVER] * more
            self.read += [{} for _ in range(more)]
        clock = self.clocks[task]
        written, readers = self.written, self.read
        for bit in read:
            who, count, then = written[bit]
            if clock[who] < count:
                clock = join(clock, then)
        for bit in wrote:
            who, count, then = written[bit]
            if clock[who] < count:
                clock = join(clock, then)
            if readers[bit]:
                for who, count, then in readers[bit].values():
                    if clock[who] < count:
                        clock = join(clock, then)
                readers[bit].clear()
        ticked = list(clock)
        ticked[task] = count = clock[task] + 1
        clock = self.clocks[task] = tuple(ticked)
        access = (task, count, clock)
        for bit in read:
            readers[bit][task] = access
        for bit in wrote:
            written[bit] = access
        return clock

    def barrier(self) -> Clock:
        """Account for something outside all tasks that comes after and before everything."""
        clock = self.zero
        for other in self.clocks:
            clock = join(clock, other)
        self.clocks = [clock] * len(self.clocks)
        return clock


@lru_cache(maxsize=MASKS_MAX)
def split(reads: int, writes: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the positions of bits only read, and of those written, and how many bits there are."""
    return bits(reads & ~writes), bits(writes), (reads | writes).bit_length()


def bits(mask: int) -> tuple[int, ...]:
    """Return the positions of the bits of ``mask``."""
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return tuple(found)
