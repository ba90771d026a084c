"""LPIs that KVM took off the list of a VCPU while guests disabled the LPIs of that one."""

from model import facts
from model.check.interrupts import Interrupts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Debt
from model.check.view import View
from model.check.views.distributor_switch import DistributorSwitch
from model.gic.registers import FIRST_LPI

__all__ = ["FlushedLpis"]


class Lpi(State):
    """``flushed``: it was, and is on no list since."""

    flushed: Debt[bool] = False


class FlushedLpis(View):
    """``has(v, n)`` says that vINTID ``n`` is such an LPI of VCPU ``v``.

    A List Register may still have it until that is saved, and then leaves it in the latch, which
    enabling the LPIs reads anew (vgic_flush_pending_lpis).
    """

    switch: DistributorSwitch

    def setup(self) -> None:
        """Make the states."""
        self.lpis = Interrupts(self, Lpi)

    def has(self, v: int, vintid: int) -> bool:
        """Tell whether it was flushed, and was put on no list since."""
        return vintid >= FIRST_LPI and bool(self.lpis.of(v, vintid).flushed)

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """It is put on a list."""
        if f.vintid >= FIRST_LPI:
            self.lpis.of(f.vcpu, f.vintid).flushed = False

    @on(facts.Unqueued)
    def on_unqueue(self, f: facts.Unqueued) -> None:
        """It is taken off one."""
        if f.vintid >= FIRST_LPI:
            flushed = not self.switch.forwards(f.vcpu, f.vintid)
            self.lpis.of(f.vcpu, f.vintid).flushed = flushed
