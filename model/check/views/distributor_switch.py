"""What the guests have switched off as a whole: their distributor, the LPIs of a VCPU.

GICD_CTLR, and GICR_CTLR.EnableLPIs.
"""

from model import facts
from model.check.listener import on
from model.check.possible import Possible, lacks
from model.check.state import State
from model.check.unknown import Bits, Debt
from model.check.view import View
from model.gic.registers import FIRST_LPI

__all__ = ["DistributorSwitch"]

OFF, ON = 1, 2
DIST, LPIS = 1, 2
ENTRIES = 2
"""After so many entries a VCPU certainly was flushed with the distributor off."""


class Switch(Possible):
    """``on``: what it may be, by the guests' own writes, as a mask of 0 and 1."""

    on: Bits = ON


class OfVcpu(State):
    """``entries``: how often it was entered since the distributor has certainly been off.

    ``without``: since its LPIs have. ``writes``: its guest accesses GICD_CTLR just now (DIST), or
    EnableLPIs of VCPU ``whose`` (LPIS), or neither.
    """

    entries: Debt[int] = 0
    without: Debt[int] = 0
    writes: Debt[int] = 0
    whose: Debt[int] = -1


class DistributorSwitch(View):
    """``is_on()`` says that the distributor certainly is, ``forwards`` what it forwards."""

    def setup(self) -> None:
        """Make the states."""
        self.vm = self.one(Switch)
        self.lpis = self.each_vcpu(Switch, "lpis")
        self.of = self.each_vcpu(OfVcpu)

    def is_on(self) -> bool:
        """Tell whether it is certainly on."""
        return lacks(self.vm.on, OFF)

    def forwards(self, v: int, vintid: int) -> bool:
        """Tell whether what is ``vintid`` for VCPU ``v`` certainly comes to it, all else given."""
        return self.is_on() and (vintid < FIRST_LPI or lacks(self.lpis[v].on, OFF))

    def is_off_for(self, v: int, vintid: int) -> bool:
        """Tell whether it is off, and nothing from before is left in VCPU ``v``'s List Registers.

        A VCPU that runs takes what they have until it leaves its guest: the write kicks nobody.
        """
        of = self.of[v]
        if lacks(self.vm.on, ON) and of.entries >= ENTRIES:
            return True
        return vintid >= FIRST_LPI and lacks(self.lpis[v].on, ON) and of.without >= ENTRIES

    @on(facts.GuestDist)
    def on_access(self, f: facts.GuestDist) -> None:
        """A guest begins an access."""
        self.vm.begin(f.vcpu, "on", f.value)
        self.of[f.vcpu].writes = DIST
        if f.value > 0:
            for of in self.of:
                of.entries = 0

    @on(facts.GuestLpis)
    def on_lpis(self, f: facts.GuestLpis) -> None:
        """It begins to write EnableLPIs."""
        self.lpis[f.owner].begin(f.vcpu, "on", int(f.enabled))
        of = self.of[f.vcpu]
        of.writes, of.whose = LPIS, f.owner
        if f.enabled:
            self.of[f.owner].without = 0

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It goes on: its access is over. Who has made it was flushed after it."""
        of = self.of[f.vcpu]
        writes, of.writes = of.writes, 0
        if writes == DIST:
            self.vm.end(f.vcpu)
        elif writes:
            self.lpis[of.whose].end(f.vcpu)
        if self.vm.on == OFF:
            of.entries = ENTRIES if writes == DIST else min(of.entries + 1, ENTRIES)
        if self.lpis[f.vcpu].on == OFF:
            own = writes == LPIS and of.whose == f.vcpu
            of.without = ENTRIES if own else min(of.without + 1, ENTRIES)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The VM monitor switches all on."""
        for switch in (self.vm, *self.lpis):
            switch.forget_accesses(f.vcpu)
        self.vm.on = self.lpis[f.vcpu].on = ON
        for of in self.of:
            of.entries = of.without = 0
