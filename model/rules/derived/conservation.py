"""What is never lost nor made from nothing, whoever holds it: active states (I8)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.table import Keys, add, has, remove
from model.check.views.guests import Guests
from model.check.views.list_registers import ListRegisters
from model.check.views.running_priority import is_special
from model.gic.lr import ACTIVE
from model.gic.registers import FIRST_LPI, FIRST_SPI

__all__ = ["I8"]


class Handled(State):
    """``vintids`` that the guest has acknowledged and not deactivated."""

    vintids: Keys[int] = ()


class I8(Rule):
    """What a guest has acknowledged and not deactivated is active, and nothing else is.

    It is active in a List Register or, where others fill them, in KVM's software state alone. LPIs
    have no active state; what a List Register makes of one, KVM may drop.
    """

    id = "I8"
    section = "The HW bit, paragraph 1 (derived; Linux 3cfd59f81e0f)"
    title = "active for a VCPU is what its guest acknowledged and has not deactivated"
    trusts = (
        "it moves what the guest has active to when KVM carries the write out; G4 and G6 know "
        "it from the guest's own DIR and access"
    )

    AGAIN = alarm(
        "again",
        "the guest of VCPU {vcpu} acknowledged vINTID {vintid} on CPU {pcpu} again, which it has "
        "not deactivated",
    )
    FOLDED = alarm(
        "folded",
        "VCPU {vcpu} folded vINTID {vintid} as {handled:|in}active, but its guest "
        "{handled:does not handle it|handles it still}",
    )
    MADE_UP = alarm(
        "made-up",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} active, which its guest "
        "does not handle",
    )
    LOST = alarm(
        "lost",
        "VCPU {vcpu} entered its guest on CPU {pcpu} without vINTID {vintid}, which its guest "
        "handles still",
    )

    guests: Guests
    lrs: ListRegisters

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Not where KVM guesses the guest's deactivations from the distributor (R11), and errs."""
        return setting.lr_on_guest_deactivate != "polled"

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(Handled)

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """It handles it from here on."""
        vintid = f.vintid
        if is_special(vintid) or vintid >= FIRST_LPI:
            return
        v = self.guests.on[f.pcpu].vcpu
        if v < 0:
            return
        of = self.of[v]
        before, of.vintids = of.vintids, add(of.vintids, vintid)
        if has(before, vintid):
            self.report(self.AGAIN, vcpu=v, vintid=vintid, pcpu=f.pcpu)

    @on(facts.DeactivatedByGuest)
    def on_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        """With or without a List Register: what was active in software only is KVM's to find."""
        v = self.guests.on[f.pcpu].vcpu
        if v >= 0:
            of = self.of[v]
            of.vintids = remove(of.vintids, f.vintid)

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """A DIR that trapped; what EOIcount stands for was deactivated by the guest before."""
        if f.cause == "dir":
            self.drop(f.vintid, f.vcpu)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """A guest may change the active state itself; a reset clears it."""
        if f.register in ("icactiver", "reset"):
            self.drop(f.vintid, f.owner)
        elif f.register == "isactiver":
            of = self.of[f.owner]
            of.vintids = add(of.vintids, f.vintid)

    def drop(self, vintid: int, owner: int) -> None:
        """Take an active state away; that of an SPI stays with whom it was when it is routed on."""
        for of in self.of if vintid >= FIRST_SPI else (self.of[owner],):
            of.vintids = remove(of.vintids, vintid)

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """KVM reads the active state back."""
        handled = has(self.of[f.vcpu].vintids, f.vintid)
        if f.active != handled and f.vintid < FIRST_LPI:
            self.report(self.FOLDED, vcpu=f.vcpu, vintid=f.vintid, handled=handled)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What the guest handles is in its List Registers, unless others fill them."""
        v, c = f.vcpu, f.pcpu
        held, used = self.of[v].vintids, self.lrs.on[c].used
        active = [lr.vintid for _, lr in used if lr.state & ACTIVE and lr.vintid < FIRST_LPI]
        for vintid in active:
            if not has(held, vintid):
                self.report(self.MADE_UP, vcpu=v, pcpu=c, vintid=vintid)
        if len(used) < self.setting.lrs:
            for vintid in held:
                if vintid not in active:
                    self.report(self.LOST, vcpu=v, pcpu=c, vintid=vintid)
