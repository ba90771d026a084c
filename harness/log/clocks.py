"""Vector clocks, computed from the footprints of the steps.

A step happens after the last write of everything it reads, and after the last write and the reads
since of everything it writes. A step's guard counts as read: what let the task go came before.
"""

__all__ = ["VectorClocks"]

Clock = tuple[int, ...]


def join(a: Clock, b: Clock) -> Clock:
    """Return the earliest clock that is after both."""
    return tuple(max(y, x) for x, y in zip(a, b, strict=True))


class VectorClocks:
    """One clock per task, and per resource bit those of its last writer and readers since."""

    def __init__(self, tasks: int) -> None:
        self.zero: Clock = (0,) * tasks
        self.clocks: list[Clock] = [self.zero] * tasks
        self.written: dict[int, Clock] = {}
        self.read: dict[int, Clock] = {}
        self.bits: dict[int, tuple[int, ...]] = {}

    def split(self, mask: int) -> tuple[int, ...]:
        """Return the positions of the bits of ``mask``."""
        if mask not in self.bits:
            self.bits[mask] = tuple(i for i in range(mask.bit_length()) if mask >> i & 1)
        return self.bits[mask]

    def step(self, task: int, reads: int, writes: int) -> Clock:
        """Account for a step of ``task`` with this footprint; return its clock."""
        clock = self.clocks[task]
        for bit in self.split(reads | writes):
            if bit in self.written:
                clock = join(clock, self.written[bit])
        for bit in self.split(writes):
            if bit in self.read:
                clock = join(clock, self.read[bit])
        clock = (*clock[:task], clock[task] + 1, *clock[task + 1 :])
        self.clocks[task] = clock
        for bit in self.split(reads & ~writes):
            self.read[bit] = join(self.read.get(bit, self.zero), clock)
        for bit in self.split(writes):
            self.written[bit] = clock
            self.read.pop(bit, None)
        return clock

    def barrier(self) -> Clock:
        """Account for something outside all tasks that comes after and before everything."""
        clock = self.zero
        for other in self.clocks:
            clock = join(clock, other)
        self.clocks = [clock] * len(self.clocks)
        return clock
