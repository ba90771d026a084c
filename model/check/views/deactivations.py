"""Guests' deactivations under way to the distributor."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Deactivations"]


class OnCpu(State):
    """``in_flight`` counts those that left and have not arrived."""

    in_flight: int = 0


class Deactivations(View):
    """``on[c].in_flight`` counts the deactivations under way from CPU ``c``."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    @on(facts.DeactivationSent)
    def on_sent(self, f: facts.DeactivationSent) -> None:
        """One left."""
        self.on[f.pcpu].in_flight += 1

    @on(facts.DeactivationArrived)
    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        """It took effect."""
        self.on[f.pcpu].in_flight -= 1
