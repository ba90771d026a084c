"""Whom another VCPU, or irq bypass, keeps out of its guest."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Pauses"]


class OfVcpu(State):
    """Who keeps it out: ``halted`` by a VCPU that halts the guests, ``bypassed`` by irq bypass."""

    halted: bool = False
    bypassed: bool = False


class Pauses(View):
    """``is_kept_out(v)``: who halts all guests keeps VCPU ``v`` out of its own."""

    trusts = (
        "who says that it halts the guests keeps them out for that long; that they are let go "
        "again, and did leave, is L4's to tell, from entries and exits"
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    def is_kept_out(self, v: int) -> bool:
        """Tell whether one of them has not let it go yet."""
        of = self.of[v]
        return of.halted or of.bypassed

    @on(facts.Halting)
    def on_halting(self, _f: facts.Halting) -> None:
        """All guests are to be left."""
        for of in self.of:
            of.halted = True

    @on(facts.Resumed)
    def on_resumed(self, f: facts.Resumed) -> None:
        """One is let go."""
        self.of[f.resumed].halted = False

    @on(facts.Bypassed)
    def on_bypassed(self, f: facts.Bypassed) -> None:
        """One is to leave its guest, or is let go."""
        self.of[f.vcpu].bypassed = f.halted
