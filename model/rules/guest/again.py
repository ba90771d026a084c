"""What a guest handles does not come again before it has ended it (G4)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.guests import Guests
from model.check.views.ideal_gic import AGAIN, IdealGic

__all__ = ["G4"]


class G4(Rule):
    """What is active is not acknowledged: by nobody, if it is an SPI."""

    id = "G4"
    section = "a GIC without virtualisation (IHI0069 4.1.2)"
    title = "a guest does not acknowledge what is active"
    guest = True

    ACTIVE = alarm(
        "active", "the guest of VCPU {vcpu} acknowledged vINTID {vintid}, which is active"
    )

    ideal: IdealGic
    guests: Guests

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """Look at what was acknowledged."""
        if self.ideal.last.wrong & AGAIN:
            self.report(self.ACTIVE, vcpu=self.guests.on[f.pcpu].vcpu, vintid=f.vintid)
