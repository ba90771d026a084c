"""What a guest lets through by itself: PSTATE.I, its priority mask, its timer's enable bit."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.messages import VTIMER_PPI
from model.vgic.irq import PRIORITY

__all__ = ["GuestMasks"]


class OfVcpu(State):
    """PSTATE.I, PMR, and whether the guest has its virtual timer's PPI enabled."""

    irqs_masked: bool = False
    pmr: int = 0xF0
    timer_enabled: bool = True


class GuestMasks(View):
    """``of[v]``: what VCPU ``v``'s guest last set of PSTATE.I, PMR and its timer's enable bit."""

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    def takes_irqs(self, v: int) -> bool:
        """Tell whether the guest would take an interrupt of default priority."""
        of = self.of[v]
        return not of.irqs_masked and of.pmr > PRIORITY

    @on(facts.GuestEnable)
    def on_enable(self, f: facts.GuestEnable) -> None:
        """A guest writes the enable bit of its timer's interrupt, or of another VCPU's."""
        if f.vintid == VTIMER_PPI:
            self.of[f.owner].timer_enabled = f.enabled

    @on(facts.GuestMask)
    def on_guest_mask(self, f: facts.GuestMask) -> None:
        """The guest changed one of them."""
        of = self.of[f.vcpu]
        of.irqs_masked = f.irqs_masked
        of.pmr = f.pmr
        of.timer_enabled = f.enabled
