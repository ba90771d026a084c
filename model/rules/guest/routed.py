"""An SPI comes where the guest has routed it (G5)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.guests import Guests
from model.check.views.ideal_gic import ELSEWHERE, IdealGic

__all__ = ["G5"]


class G5(Rule):
    """An SPI is acknowledged by the VCPU that it is routed to, once that write is over."""

    id = "G5"
    section = "a GIC without virtualisation (IHI0069 GICD_IROUTER<n>)"
    title = "an SPI is acknowledged where it is routed to"
    guest = True

    ELSEWHERE = alarm(
        "elsewhere",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid}, which is routed to another",
    )

    ideal: IdealGic
    guests: Guests

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """Look at what was acknowledged."""
        if self.ideal.last.wrong & ELSEWHERE:
            self.report(self.ELSEWHERE, vcpu=self.guests.on[f.pcpu].vcpu, vintid=f.vintid)
