"""The architected virtual timer, and virtual time.

ARM DDI 0487, D11 (The Generic Timer): the output is a level, high while the timer is enabled, not
masked, and the count has reached the compare value; it falls when software changes CTL or CVAL, not
when the interrupt is acknowledged.
"""

from model.part import Part

__all__ = ["ENABLE", "IMASK", "ISTATUS", "Clock", "HwTimer"]

ENABLE = 1
IMASK = 2
ISTATUS = 4


class Clock(Part):
    """Virtual time: ``now``, in nanoseconds, is what CNTPCT counts."""

    __slots__ = FIELDS = ("now",)

    def __init__(self, now: int) -> None:
        super().__init__()
        self.now = now


class HwTimer(Part):
    """CNTV_CTL_EL0, CNTV_CVAL_EL0 and CNTVOFF_EL2 of one CPU.

    ``cval`` is compared with the virtual count, ``now - cntvoff``. ``ctl`` has no ISTATUS: that bit
    is a function of the count (:meth:`read_ctl`).
    """

    __slots__ = ("clock", "cntvoff", "ctl", "cval")
    FIELDS = ("cval", "ctl", "cntvoff")

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.cval = 0
        self.ctl = 0
        self.cntvoff = 0

    def output(self) -> bool:
        """Return the level of the interrupt line."""
        return self.ctl == ENABLE and self.clock.now - self.cntvoff >= self.cval

    def read_ctl(self) -> int:
        """Read CNTV_CTL_EL0. ISTATUS is UNKNOWN while the timer is disabled; it reads 0 here."""
        ctl = self.ctl
        if ctl & ENABLE and self.clock.now - self.cntvoff >= self.cval:
            return ctl | ISTATUS
        return ctl

    def deadline(self) -> int:
        """Return when the line will rise by itself (virtual ns), or -1."""
        if self.ctl == ENABLE:
            at = self.cval + self.cntvoff
            if at > self.clock.now:
                return at
        return -1
