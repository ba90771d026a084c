"""Whether the guests have their distributor switched on (GICD_CTLR)."""

from model import facts
from model.check.listener import on
from model.check.possible import Possible, lacks
from model.check.state import State
from model.check.unknown import Bits, Debt
from model.check.view import View

__all__ = ["DistributorSwitch"]

OFF, ON = 1, 2
ENTRIES = 2
"""After so many entries a VCPU certainly was flushed with the distributor off."""


class Switch(Possible):
    """``on``: what it may be, by the guests' own writes, as a mask of 0 and 1."""

    on: Bits = ON


class OfVcpu(State):
    """``entries``: how often it was entered since the distributor has certainly been off.

    ``writes``: its guest accesses it just now.
    """

    entries: Debt[int] = 0
    writes: Debt[bool] = False


class DistributorSwitch(View):
    """``is_on()`` says that it certainly is, ``is_off_for(v)`` that VCPU ``v`` was told nothing."""

    def setup(self) -> None:
        """Make the states."""
        self.vm = self.one(Switch)
        self.of = self.each_vcpu(OfVcpu)

    def is_on(self) -> bool:
        """Tell whether it is certainly on."""
        return lacks(self.vm.on, OFF)

    def is_off_for(self, v: int) -> bool:
        """Tell whether it is off, and nothing from before is left in VCPU ``v``'s List Registers.

        A VCPU that runs takes what they have until it leaves its guest: the write kicks nobody.
        """
        return lacks(self.vm.on, ON) and self.of[v].entries >= ENTRIES

    @on(facts.GuestDist)
    def on_access(self, f: facts.GuestDist) -> None:
        """A guest begins an access."""
        self.vm.begin(f.vcpu, "on", f.value)
        self.of[f.vcpu].writes = True
        if f.value > 0:
            for of in self.of:
                of.entries = 0

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It goes on: its access is over. Who has made it was flushed after it."""
        of = self.of[f.vcpu]
        if of.writes:
            of.writes = False
            self.vm.end(f.vcpu)
            if self.vm.on == OFF:
                of.entries = ENTRIES
        elif self.vm.on == OFF:
            of.entries = min(of.entries + 1, ENTRIES)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The VM monitor switches it on."""
        self.vm.forget_accesses(f.vcpu)
        self.vm.on = ON
        for of in self.of:
            of.entries = 0
