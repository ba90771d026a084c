"""Whom another VCPU keeps out of its guest."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Pauses"]


class OfVcpu(State):
    """``kept_out``: some VCPU halts the guests and has not let this one go."""

    kept_out: bool = False


class Pauses(View):
    """``of[v].kept_out``: a VCPU that halts all guests keeps VCPU ``v`` out of its own."""

    trusts = (
        "who says that it halts the guests keeps them out for that long; that they are let go "
        "again, and did leave, is L4's to tell, from entries and exits"
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Halting)
    def on_halting(self, _f: facts.Halting) -> None:
        """All guests are to be left."""
        for of in self.of:
            of.kept_out = True

    @on(facts.Resumed)
    def on_resumed(self, f: facts.Resumed) -> None:
        """One is let go."""
        self.of[f.resumed].kept_out = False
