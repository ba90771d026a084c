"""The guest's counter against the host's clock: when a compare value falls due, in host time.

No event says what the counter was when. But a background timer is armed for the moment when the
counter reaches CVAL, or a little later (the time it takes to work it out), never earlier: so the
offset between the two is the least that was seen. The counter's frequency is the one of those in
use with which offsets agree.
"""

from statistics import median

__all__ = ["KEPT", "SAMPLES", "Counter"]

RATES = (
    1_000_000_000, 500_000_000, 400_000_000, 300_000_000, 250_000_000, 200_000_000, 150_000_000,
    125_000_000, 100_000_000, 62_500_000, 54_000_000, 50_000_000, 48_000_000, 38_400_000,
    33_333_333, 31_250_000, 26_000_000, 25_000_000, 24_576_000, 24_000_000, 20_000_000,
    19_200_000, 16_666_666, 13_000_000, 12_500_000, 10_000_000, 8_333_333, 8_000_000, 6_250_000,
    6_000_000, 1_920_000, 1_000_000,
)  # fmt: skip
"""CNTFRQ_EL0 of machines that there are, in Hz; a trace does not say which it is."""
SAMPLES = 16
"""So many deadlines are looked at before the frequency is known, unless fewer are asked for."""
KEPT = 8
"""The offset is the least of so many: by which all of them are late is no lateness."""
AGREE_NS = 500_000
SPAN_NS = 4_000_000
"""Deadlines at least so far apart tell the frequency."""
CLOSE = 200
"""Nor do they disagree by more than so small a part of that: frequencies in use are 1 % apart."""
JUMP_NS = 1_000_000_000
"""An offset that changes by this much is another VM's, or a counter that was set."""
NS = 1_000_000_000


class Counter:
    """How the counter of a VM's guests runs in host time, learnt from background timers.

    ``rate`` is its frequency in Hz (0: not known), of which ``samples`` deadlines must agree;
    ``offset`` what to add to a count in ns to have the host's time (None: not known).
    """

    def __init__(self, samples: int = SAMPLES) -> None:
        self.samples = samples
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.seen: list[tuple[int, int]] = []
        self.rate = 0
        self.offset: int | None = None
        self.offsets: list[int] = []

    def learn(self, cval: int, expires: int) -> None:
        """Learn from a background timer set for ``expires`` (ns) when ``cval`` was still ahead."""
        if not self.rate:
            self.seen.append((cval, expires))
            if len(self.seen) >= self.samples:
                self.calibrate()
            return
        offset = expires - cval * NS // self.rate
        if abs(offset - min(self.offsets)) > JUMP_NS:
            self.forget()
            return
        self.offsets = [*self.offsets, offset][-KEPT:]
        self.offset = min(self.offsets)

    def calibrate(self) -> None:
        """Find the frequency; without one that fits, look at other deadlines."""
        times = [expires for _, expires in self.seen]
        span = max(times) - min(times)
        best: tuple[float, int, list[int]] | None = None
        if span > SPAN_NS:
            for rate in RATES:
                offsets = [expires - cval * NS // rate for cval, expires in self.seen]
                low = min(offsets)
                # Of few, all must agree: most may stand close together, where any rate fits.
                apart = median if len(offsets) >= SAMPLES else max
                spread = apart([offset - low for offset in offsets])
                if best is None or spread < best[0]:
                    best = (spread, rate, offsets)
        if best is not None and best[0] < min(AGREE_NS, span / CLOSE):
            _, self.rate, offsets = best
            self.offset = min(offsets)
            self.offsets = [self.offset]
        elif len(self.seen) >= SAMPLES:
            del self.seen[: SAMPLES // 2]

    def due(self, cval: int) -> int | None:
        """Return when ``cval`` falls due, in ns of the host's clock; None if that is not known."""
        return None if self.offset is None else cval * NS // self.rate + self.offset
