"""A guest gets nothing that it does not let through (G14)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.views.guest_masks import GuestMasks
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guests import Guests
from model.gic.registers import PRIORITY_MASK

__all__ = ["G14"]


class G14(Rule):
    """What is acknowledged comes before the guest's priority mask, and what it is handling.

    And its interrupt group is enabled. What a guest wrote to its CPU interface holds over exits,
    whatever else its CPU did meanwhile. (PSTATE.I is the CPU's: a guest may read IAR with it set.)
    """

    id = "G14"
    section = "a GIC without virtualisation (IHI0069 4.8, ICC_PMR_EL1, ICC_IGRPEN1_EL1)"
    title = (
        "a guest acknowledges nothing that its mask, its group or its running priority holds off"
    )
    guest = True

    MASKED = alarm(
        "masked",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid} of priority {priority:#x}, and its "
        "priority mask is {pmr:#x}",
    )
    GROUP = alarm(
        "group",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid} with its interrupt group disabled",
    )
    RUNNING = alarm(
        "running",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid} of priority {priority:#x} while it "
        "handles one of {running:#x}",
    )

    guests: Guests
    masks: GuestMasks
    priorities: GuestPriorities

    @on(facts.LrMoved)
    def on_move(self, f: facts.LrMoved) -> None:
        """An acknowledge makes a List Register active; the running priority has risen by now."""
        if f.access != "iar":
            return
        v, lr = self.guests.on[f.pcpu].vcpu, f.before
        if v < 0:
            return
        pmr, own = self.masks.of[v].pmr, self.priorities.of[v]
        if lr.priority >= pmr & PRIORITY_MASK:
            self.report(self.MASKED, vcpu=v, vintid=lr.vintid, priority=lr.priority, pmr=pmr)
        elif not own.group:
            self.report(self.GROUP, vcpu=v, vintid=lr.vintid)
        elif len(own.running) > 1 and own.running[1] <= lr.priority & own.mask:
            running, priority = own.running[0], lr.priority
            self.report(self.RUNNING, vcpu=v, vintid=lr.vintid, priority=priority, running=running)
