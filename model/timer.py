"""The architected timers, and virtual time.

ARM DDI 0487, D11 (The Generic Timer): the output is a level, high while the timer is enabled, not
masked, and the count has reached the compare value; it falls when software changes CTL or CVAL, not
when the interrupt is acknowledged.
"""

from model.part import Part

__all__ = [
    "ENABLE",
    "IMASK",
    "ISTATUS",
    "PTIMER_PPI",
    "TIMER_PPIS",
    "VTIMER_PPI",
    "Clock",
    "HwTimer",
]

ENABLE = 1
IMASK = 2
ISTATUS = 4

VTIMER_PPI = 27
"""The virtual timer's PPI on Arm's reference platforms (BSA)."""
PTIMER_PPI = 30
"""The PPI of the non-secure EL1 physical timer (BSA)."""
TIMER_PPIS = (PTIMER_PPI, VTIMER_PPI)
"""Both, by the number of their timer (PTIMER, VTIMER of ``model.identity``)."""

WRAP = 1 << 64
"""Counts and compare values have 64 bits and no sign."""


class Clock(Part):
    """Virtual time: ``now``, in nanoseconds, is what CNTPCT counts: a counter of 1 GHz."""

    __slots__ = FIELDS = ("now",)

    def __init__(self, now: int) -> None:
        super().__init__()
        self.now = now


class HwTimer(Part):
    """The virtual timer (CNTV, INTID 27) or the physical timer (CNTP, INTID 30) of one CPU.

    ``ctl`` has no ISTATUS: that bit is a function of the count (:meth:`read_ctl`). ``cval`` is
    compared with :meth:`count`: the virtual timer's is offset by ``cntvoff`` (CNTVOFF_EL2), the
    physical timer has no offset and leaves it 0.

    The comparison is of unsigned numbers of 64 bits (D11.2.4, CompareValue view): a count below 0
    is a very large one, and a compare value near the largest may never be reached.

    Raises:
        ValueError: ``intid`` is the PPI of neither timer.
    """

    __slots__ = ("clock", "cntvoff", "ctl", "cval", "intid")
    FIELDS = ("cval", "ctl", "cntvoff")

    def __init__(self, clock: Clock, intid: int = VTIMER_PPI) -> None:
        super().__init__()
        if intid not in (VTIMER_PPI, PTIMER_PPI):
            raise ValueError(f"timer of INTID {intid}: expected {VTIMER_PPI} or {PTIMER_PPI}")
        self.clock = clock
        self.intid = intid
        self.cval = 0
        self.ctl = 0
        self.cntvoff = 0

    def canonical(self) -> object:
        """Without the compare value of a timer that is off and nobody's.

        A save leaves the offset 0, which no VM's is, and a restore sets all three. The timer of a
        loaded VCPU may be off between the guest's writes to CVAL and to CTL.
        """
        if not self.ctl and not self.cntvoff and self.intid == VTIMER_PPI:
            return (0, 0, 0)
        return self.key()

    def count(self) -> int:
        """Read CNTVCT_EL0 or CNTPCT_EL0, in ns modulo 2**64: what this timer compares with."""
        return (self.clock.now - self.cntvoff) % WRAP

    def output(self) -> bool:
        """Return the level of the interrupt line."""
        return self.ctl == ENABLE and (self.clock.now - self.cntvoff) % WRAP >= self.cval

    def read_ctl(self) -> int:
        """Read CTL. ISTATUS is UNKNOWN while the timer is disabled; it reads 0 here."""
        ctl = self.ctl
        if ctl & ENABLE and self.count() >= self.cval:
            return ctl | ISTATUS
        return ctl

    def read_tval(self) -> int:
        """Read TVAL: how many ns the compare value is ahead, as a signed number of 32 bits.

        So it counts down, goes on below 0, and wraps (D11.2.4, TimerValue view). It reads the same
        while the timer is disabled, when it is UNKNOWN.
        """
        ahead = self.cval - self.count() & 0xFFFF_FFFF
        return ahead - (ahead >> 31 << 32)

    def write_tval(self, value: int) -> None:
        """Write TVAL: set the compare value that many ns ahead of the count.

        Bits [31:0] are a signed number: from 2^31 on it lies in the past.
        """
        value &= 0xFFFF_FFFF
        self.cval = (self.count() + value - (value >> 31 << 32)) % WRAP

    def deadline(self) -> int:
        """Return when the line will rise by itself (virtual ns), or -1 if it will not."""
        if self.ctl == ENABLE:
            ahead = self.cval - self.count()
            if ahead > 0:
                return self.clock.now + ahead
        return -1
