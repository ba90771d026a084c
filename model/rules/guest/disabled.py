"""What a guest has disabled, or put into a group that it has not enabled, it does not get (G2)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.guests import Guests
from model.check.views.ideal_gic import DISABLED, PARKED, IdealGic

__all__ = ["G2"]


class G2(Rule):
    """An interrupt that a guest has disabled is not acknowledged, once that write is over."""

    id = "G2"
    section = "a GIC without virtualisation (IHI0069 GICD_ICENABLER<n>, GICD_IGROUPR<n>)"
    title = "a guest acknowledges nothing that is disabled"
    guest = True

    TAKEN = alarm(
        "taken", "the guest of VCPU {vcpu} acknowledged vINTID {vintid}, which is disabled"
    )

    PARKED = alarm(
        "group",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid}, which is in a group that it has "
        "not enabled",
    )

    ideal: IdealGic
    guests: Guests

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """Look at what was acknowledged."""
        if self.ideal.last.wrong & DISABLED:
            self.report(self.TAKEN, vcpu=self.guests.on[f.pcpu].vcpu, vintid=f.vintid)
        # 4.14 ignores what is written to IGROUPR.
        elif self.ideal.last.wrong & PARKED and self.era != "v4.14":
            self.report(self.PARKED, vcpu=self.guests.on[f.pcpu].vcpu, vintid=f.vintid)
