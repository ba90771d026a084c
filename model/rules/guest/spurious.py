"""Each event is acknowledged once (G3)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.guests import Guests
from model.check.views.ideal_gic import SPURIOUS_ACK, IdealGic

__all__ = ["G3"]


class G3(Rule):
    """An acknowledge has an event of its own: nothing comes twice, nothing completed comes back.

    An event is an edge that the host has acknowledged, a device's line that is or was high, an SGI,
    or a write of ISPENDR; ICPENDR takes it back. Of the timers I7 says so.
    """

    id = "G3"
    section = "a GIC without virtualisation (IHI0069 4.1.2)"
    title = "a guest acknowledges each event once, and nothing without one"
    guest = True

    NOTHING = alarm(
        "nothing",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid}, and nothing had happened since it "
        "did so last",
    )

    ideal: IdealGic
    guests: Guests

    def setup(self) -> None:
        """Note of which interrupts nothing is said (``model.rules.guest.excuses``)."""
        lags = self.setting.gic_messages == "lagging"
        self.excused = self.ideal.levels if lags else frozenset[int]()

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """Look at what was acknowledged."""
        if self.ideal.last.wrong & SPURIOUS_ACK and f.vintid not in self.excused:
            self.report(self.NOTHING, vcpu=self.guests.on[f.pcpu].vcpu, vintid=f.vintid)
