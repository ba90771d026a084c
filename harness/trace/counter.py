"""When a guest's timer is due on the host's clock, worked out from CVAL.

No event says what the counter was when. But a background timer is armed for the moment when the
counter reaches CVAL, or a little later (the time it takes to work it out), never earlier: so the
offset between the two is the least that was seen. The counter's frequency is the one of those in
use with which offsets agree.
"""

from statistics import median

__all__ = ["Counter"]

RATES = (
    1_000_000_000, 100_000_000, 62_500_000, 54_000_000, 50_000_000, 48_000_000, 38_400_000,
    31_250_000, 25_000_000, 24_000_000, 20_000_000, 19_200_000, 12_500_000, 10_000_000,
    8_333_333, 6_250_000, 1_920_000, 1_000_000,
)  # fmt: skip
"""CNTFRQ in use, in Hz."""
SAMPLES = 16
"""So many deadlines are looked at before the frequency is known."""
AGREE_NS = 500_000
JUMP_NS = 1_000_000_000
"""An offset that changes by this much is another VM's, or a counter that was set."""
SHIFTED = 8
"""So many deadlines in a row by which all are late alike are no lateness, but another offset."""
NS = 1_000_000_000


class Counter:
    """Learns frequency and offset from pairs of CVAL and expiry."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.rate = 0
        self.offset = 0
        self.off: list[int] = []

    def due(self, cval: int, expires: int) -> int | None:
        """Learn from a deadline; return when CVAL is due in ns of the host's clock, if known."""
        if not self.rate:
            self.seen.append((cval, expires))
            if len(self.seen) >= SAMPLES:
                self.calibrate()
            return None
        offset = expires - cval * NS // self.rate
        behind = offset - self.offset
        if behind < -JUMP_NS or behind > JUMP_NS:
            self.forget()
            return None
        if behind < 0:
            self.offset = offset
            return expires
        self.off = [*self.off, offset][-SHIFTED:]
        if len(self.off) == SHIFTED and min(self.off) - self.offset > AGREE_NS:
            self.offset = min(self.off)
            return None
        return expires - behind

    def calibrate(self) -> None:
        """Find the frequency; without one that fits, look at other deadlines."""
        best = None
        for rate in RATES:
            offsets = [expires - cval * NS // rate for cval, expires in self.seen]
            low = min(offsets)
            spread = median(offset - low for offset in offsets)
            if best is None or spread < best[0]:
                best = (spread, rate, low)
        spans = max(x for _, x in self.seen) - min(x for _, x in self.seen)
        self.seen = self.seen[SAMPLES // 2 :]
        if best is not None and best[0] < AGREE_NS and spans > 100 * AGREE_NS:
            _, self.rate, self.offset = best

    def forget(self) -> None:
        """Begin anew."""
        self.__init__()  # type: ignore[misc]
