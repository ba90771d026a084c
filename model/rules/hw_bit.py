"""What a List Register may hold and how it may change (section "The HW bit")."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.views.active_states import ActiveStates
from model.check.views.deactivations import Deactivations
from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE
from model.gic.registers import FIRST_LPI

__all__ = ["R3", "R5", "R6"]

LEGAL_MOVES = {
    ("iar", PENDING, ACTIVE),
    ("eoir", ACTIVE, INACTIVE),
    ("eoir", PENDING_ACTIVE, PENDING),
    ("dir", ACTIVE, INACTIVE),
    ("dir", PENDING_ACTIVE, PENDING),
}
"""By which access from which state to which; in EOImode 1 EOIR moves none."""


class R3(Rule):
    """Acknowledge makes an LR active, deactivation empties it; a guest moves it no other way."""

    id = "R3"
    section = "The HW bit, paragraph 1"
    title = "a guest moves an LR from pending to active to inactive, and no other way"
    hardware = True

    MOVED = alarm(
        "moved",
        "LR{index} of CPU {pcpu} (vINTID {vintid}) went from "
        "{before:inactive|pending|active|pending+active} to "
        "{after:inactive|pending|active|pending+active} by the guest's {access}",
    )

    @on(facts.LrMoved)
    def on_moved(self, f: facts.LrMoved) -> None:
        """Only the legal moves."""
        before, after, access = f.before, f.after, f.access
        legal = (access, before.state, after.state) in LEGAL_MOVES
        # An LPI ends with its priority drop, in either EOImode.
        split = self.setting.eoimode and before.vintid < FIRST_LPI
        if not legal or (access == "eoir" and split):
            self.report(
                self.MOVED,
                pcpu=f.pcpu,
                index=f.index,
                vintid=before.vintid,
                before=before.state,
                after=after.state,
                access=access,
            )


class R5(Rule):
    """KVM writes a HW register pending or active, never both: the rest is in the distributor."""

    id = "R5"
    section = "The HW bit, paragraph 3"
    title = "KVM never writes a HW List Register pending and active at once"

    BOTH = alarm(
        "both", "KVM wrote LR{index} of CPU {pcpu} (vINTID {vintid}, HW) pending and active"
    )

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """Never both."""
        if f.after.hw and f.after.state == PENDING_ACTIVE:
            self.report(self.BOTH, pcpu=f.pcpu, index=f.index, vintid=f.after.vintid)


class Owed(State):
    """``unsent``: the INTID that a guest there deactivated, while it was not sent (-1: none)."""

    unsent: int = -1


class R6(Rule):
    """The guest's deactivation is sent, counts, and arrives before that CPU's next guest entry."""

    id = "R6"
    section = "The HW bit, paragraph 4"
    title = "a deactivation through a HW LR reaches the distributor before the next guest entry"
    hardware = True

    LEFT_ACTIVE = alarm("left-active", "the guest's deactivation of INTID {intid} left it active")
    UNSENT = alarm(
        "unsent",
        "the guest on CPU {pcpu} deactivated through a HW List Register, and INTID {intid} was not "
        "deactivated",
    )
    IN_FLIGHT = alarm(
        "in-flight",
        "CPU {pcpu} entered the guest of VCPU {vcpu} while a deactivation that a guest sent from "
        "there had not reached the distributor",
    )

    active: ActiveStates
    deactivations: Deactivations

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether messages to the distributor keep their bounds."""
        return setting.gic_messages != "lagging"

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Owed)

    @on(facts.LrMoved)
    def on_moved(self, f: facts.LrMoved) -> None:
        """A guest deactivates through a HW register."""
        if f.before.hw and f.access != "iar":
            self.on[f.pcpu].unsent = f.before.pintid

    @on(facts.DeactivationSent)
    def on_sent(self, f: facts.DeactivationSent) -> None:
        """It was sent."""
        self.on[f.pcpu].unsent = -1

    @on(facts.DeactivationArrived)
    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        """It counts."""
        if self.active.has(f.pcpu, f.intid):
            self.report(self.LEFT_ACTIVE, pcpu=f.pcpu, intid=f.intid)

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """Each was sent by the end of the guest's stay."""
        unsent = self.on[f.pcpu].unsent
        if unsent >= 0:
            self.report(self.UNSENT, pcpu=f.pcpu, intid=unsent)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Each has arrived by the next one."""
        if self.deactivations.on[f.pcpu].in_flight:
            self.report(self.IN_FLIGHT, vcpu=f.vcpu, pcpu=f.pcpu)
