"""Who sent an SGI is who the guest is told (G10)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.unknown import Bits
from model.check.views.guests import Guests
from model.gic.registers import SGIS

__all__ = ["G10"]


class Sent(State):
    """``by``: the VCPUs whose guests have sent this SGI to the one that it is for."""

    by: Bits = 0


class G10(Rule):
    """A GICv2 tells with an SGI which CPU sent it: one that did."""

    id = "G10"
    section = "a GIC without virtualisation (IHI0048 GICC_IAR.CPUID)"
    title = "an SGI that a guest acknowledges names a VCPU that has sent it"
    guest = True

    NOT_SENT = alarm(
        "not-sent",
        "the guest of VCPU {vcpu} acknowledged SGI {vintid} of VCPU {source}, which never sent it",
    )

    guests: Guests

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """A GICv3 tells no sender."""
        return setting.gic_version == 2

    def setup(self) -> None:
        """Make the states, by target and SGI."""
        self.sent = self.members(Sent)

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """A guest sends one."""
        sent = self.sent[f.target, f.vintid]
        sent.by = sent.by | 1 << f.vcpu

    @on(facts.LrMoved)
    def on_move(self, f: facts.LrMoved) -> None:
        """An acknowledge reads the source out of the List Register."""
        lr = f.before
        if f.access != "iar" or lr.vintid >= SGIS:
            return
        v = self.guests.on[f.pcpu].vcpu
        if v >= 0 and not self.sent[v, lr.vintid].by >> lr.source & 1:
            self.report(self.NOT_SENT, vcpu=v, vintid=lr.vintid, source=lr.source)
