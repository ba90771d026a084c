"""The guest's counter against the host's clock: when a compare value falls due, in host time."""

__all__ = ["Counter"]

FREQUENCIES = (
    1_000_000_000, 500_000_000, 400_000_000, 300_000_000, 250_000_000, 200_000_000, 150_000_000,
    125_000_000, 100_000_000, 62_500_000, 54_000_000, 50_000_000, 48_000_000, 33_333_333,
    31_250_000, 26_000_000, 25_000_000, 24_576_000, 24_000_000, 19_200_000, 16_666_666, 13_000_000,
    12_500_000, 10_000_000, 8_000_000, 6_000_000,
)  # fmt: skip
"""CNTFRQ_EL0 of machines that there are; the trace does not say which it is."""
SPAN = 1 << 18
"""Compare values at least so far apart tell the frequency."""
CLOSE = 0.01
KEPT = 16


class Counter:
    """How the counter of a VM's guests runs in host time, learnt from background timers.

    One is set for the time at which a compare value falls due: its expiry less the value, in ns, is
    the offset, plus what passed between the two looks at the clock. So the least of several is
    taken, of the last ones only, for the host's clock may be adjusted.
    """

    def __init__(self) -> None:
        self.frequency = 0
        self.first: tuple[int, int] | None = None
        self.offsets: list[int] = []
        self.offset: int | None = None

    def ns(self, count: int) -> int:
        """Return a count in ns, without the offset."""
        return count * 1_000_000_000 // self.frequency

    def learn(self, cval: int, expires: int) -> None:
        """Learn from a background timer set for ``expires`` (ns) when ``cval`` was still ahead."""
        if not self.frequency:
            self.learn_frequency(cval, expires)
            if not self.frequency:
                return
        self.offsets.append(expires - self.ns(cval))
        if len(self.offsets) > KEPT:
            del self.offsets[0]
        self.offset = min(self.offsets)

    def learn_frequency(self, cval: int, expires: int) -> None:
        """Take the known frequency that two pairs come next to."""
        if self.first is None:
            self.first = (cval, expires)
            return
        counts, time = cval - self.first[0], expires - self.first[1]
        if counts < SPAN or time <= 0:
            if counts < 0:
                self.first = (cval, expires)
            return
        measured = counts * 1_000_000_000 / time
        nearest = min(FREQUENCIES, key=lambda f: abs(f - measured))
        if abs(nearest - measured) < CLOSE * measured:
            self.frequency = nearest
            self.offsets = [self.first[1] - self.ns(self.first[0])]
        self.first = (cval, expires)

    def due(self, cval: int) -> int | None:
        """Return when ``cval`` falls due, in ns of the host's clock; None if that is not known."""
        return None if self.offset is None else self.ns(cval) + self.offset
