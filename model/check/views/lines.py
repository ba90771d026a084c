"""Level inputs as the distributor sees them."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Bits
from model.check.view import View
from model.gic.registers import FIRST_SPI

__all__ = ["Lines"]


class High(State):
    """``bits`` has a bit per INTID whose line is high."""

    bits: Bits = 0


class Lines(View):
    """``on[c].bits`` are CPU ``c``'s PPIs whose line is high, ``spis.bits`` such SPIs."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(High)
        self.spis = self.one(High, "spis")

    def has(self, c: int, intid: int) -> bool:
        """Tell whether the distributor sees the line of ``intid`` high (a PPI: on CPU ``c``)."""
        if intid >= FIRST_SPI:
            return bool(self.spis.bits >> intid & 1)
        return bool(self.on[c].bits >> intid & 1)

    @on(facts.LineChanged)
    def on_line(self, f: facts.LineChanged) -> None:
        """A line rose or fell."""
        high = self.on[f.pcpu] if f.pcpu >= 0 else self.spis
        if f.level:
            high.bits |= 1 << f.intid
        else:
            high.bits &= ~(1 << f.intid)
