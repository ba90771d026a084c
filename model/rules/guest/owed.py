"""What a guest has sent arrives (G9)."""

from model.check.alarm import alarm
from model.check.rule import EVENTUALLY, Rule
from model.check.views.finished import Finished
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.ideal_gic import IdealGic
from model.gic.registers import FIRST_SPI, SGIS

__all__ = ["G9"]


class G9(Rule):
    """At rest nothing is pending that its guest has enabled, lets through and does not handle.

    It is pending by what guests and devices did, whatever KVM makes of it. L1 has the timers.
    """

    id = "G9"
    section = "introduction (delivery; a GIC without virtualisation)"
    title = "an SGI, an edge, or what a guest has set pending is acknowledged in the end"
    kind = EVENTUALLY
    guest = True

    OWED = alarm("owed", "vINTID {vintid}, which is pending for VCPU {vcpu}")

    ideal: IdealGic
    finished: Finished
    priorities: GuestPriorities

    def at_rest(self) -> None:
        """Name what is pending and was not taken."""
        ideal = self.ideal
        for v, vintid, irq in ideal.irqs:
            if SGIS <= vintid < FIRST_SPI or not ideal.is_due(irq, vintid):
                continue
            target = ideal.goes_to(irq, vintid) if vintid >= FIRST_SPI else v
            if target < 0 or self.finished.of[target].yes:
                continue
            if self.priorities.takes(target, vintid):
                self.report(self.OWED, vintid=vintid, vcpu=target)
