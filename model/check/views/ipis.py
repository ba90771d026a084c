"""IPIs under way to a CPU: the guest there is left for one at once."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Debt
from model.check.view import View
from model.gic.registers import SGIS

__all__ = ["Ipis"]


class OnCpu(State):
    """``coming``: the distributor was told to send one there, and the host has not taken it."""

    coming: Debt[bool] = False


class Ipis(View):
    """``on[c].coming`` says that an IPI is under way to CPU ``c``."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    @on(facts.IpiSent)
    def on_sent(self, f: facts.IpiSent) -> None:
        """One is at the distributor."""
        self.on[f.target].coming = True

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """The host takes it."""
        if f.intid < SGIS:
            self.on[f.pcpu].coming = False
