"""ICH_HCR_EL2 (GICH_HCR) of each CPU."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["HypControl"]


class OnCpu(State):
    """``hcr`` is the register as KVM wrote it last, with EOIcount."""

    hcr: int = 0


class HypControl(View):
    """``on[c].hcr`` is CPU ``c``'s ICH_HCR_EL2 as KVM wrote it last."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    @on(facts.HcrWritten)
    def on_hcr(self, f: facts.HcrWritten) -> None:
        """KVM wrote it."""
        self.on[f.pcpu].hcr = f.value
