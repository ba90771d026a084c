"""Whose guest has finished its program."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Finished"]


class OfVcpu(State):
    """``yes``: the guest has finished."""

    yes: bool = False


class Finished(View):
    """``of[v].yes``: VCPU ``v``'s guest has finished its program."""

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Halted)
    def on_halt(self, f: facts.Halted) -> None:
        """It has."""
        self.of[f.vcpu].yes = True
