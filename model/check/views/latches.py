"""Pending latches at the distributor."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Bits
from model.check.view import View
from model.gic.registers import FIRST_LPI, FIRST_SPI

__all__ = ["Latches"]


class OnCpu(State):
    """Bits per INTID: of SGIs and PPIs, and of LPIs counted from the first."""

    bits: Bits = 0
    lpis: Bits = 0


class Spis(State):
    """``bits`` has a bit per SPI."""

    bits: Bits = 0


class Latches(View):
    """What is pending by a latch: ``on[c].bits``, ``on[c].lpis`` (bit 0: 8192), ``spis.bits``."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.spis = self.one(Spis, "spis")

    @on(facts.PendingChanged)
    def on_pending(self, f: facts.PendingChanged) -> None:
        """A latch was set or taken."""
        if f.intid >= FIRST_LPI:
            bit = 1 << f.intid - FIRST_LPI
            on_cpu = self.on[f.pcpu]
            on_cpu.lpis = on_cpu.lpis | bit if f.after else on_cpu.lpis & ~bit
            return
        latched = self.spis if f.intid >= FIRST_SPI else self.on[f.pcpu]
        bit = 1 << f.intid
        latched.bits = latched.bits | bit if f.after else latched.bits & ~bit
