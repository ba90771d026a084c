"""The IRQ inputs of the CPUs."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Pins"]


class Pin(State):
    """``high`` says that the CPU sees its IRQ input asserted."""

    high: bool = False


class Pins(View):
    """``on[c].high``: CPU ``c`` sees its IRQ input asserted."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Pin)

    @on(facts.Signalled)
    def on_signal(self, f: facts.Signalled) -> None:
        """An input rose or fell."""
        self.on[f.pcpu].high = f.level
