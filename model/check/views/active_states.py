"""Active states at the distributor."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Bits
from model.check.view import View
from model.gic.registers import FIRST_SPI
from model.messages import VTIMER_PPI

__all__ = ["ActiveStates"]


class Active(State):
    """``bits`` has a bit per INTID that is active."""

    bits: Bits = 0


class ActiveStates(View):
    """``on[c].bits`` are CPU ``c``'s active SGIs and PPIs, ``spis.bits`` the active SPIs."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Active)
        self.spis = self.one(Active, "spis")

    def has(self, c: int, intid: int = VTIMER_PPI) -> bool:
        """Tell whether ``intid`` is active (a banked one: on CPU ``c``)."""
        if intid >= FIRST_SPI:
            return bool(self.spis.bits >> intid & 1)
        return bool(self.on[c].bits >> intid & 1)

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """An active bit changed."""
        active = self.on[f.pcpu] if f.pcpu >= 0 else self.spis
        if f.after:
            active.bits |= 1 << f.intid
        else:
            active.bits &= ~(1 << f.intid)
