"""Who sleeps, and who was woken."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Sleepers"]


class OfVcpu(State):
    """``blocked``: it means to sleep; ``asleep``: it does, and its CPU has been given away."""

    blocked: bool = False
    asleep: bool = False


class Sleepers(View):
    """``of[v].blocked`` and ``of[v].asleep`` (blocked and put) of VCPU ``v``'s thread."""

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """It goes to sleep."""
        self.of[f.vcpu].blocked = True

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """It gave its CPU away, perhaps to sleep."""
        of = self.of[f.vcpu]
        if of.blocked:
            of.asleep = True

    @on(facts.Woken, facts.Unblocked)
    def on_wake(self, f: facts.Woken | facts.Unblocked) -> None:
        """It was woken, or left its blocking loop."""
        of = self.of[f.vcpu]
        of.blocked = of.asleep = False
