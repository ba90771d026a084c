"""Whether a CPU's running priority lets it take an interrupt."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.gic.registers import IDLE, SPECIAL, SPURIOUS

__all__ = ["RunningPriority", "is_special"]


def is_special(intid: int) -> bool:
    """Tell whether an acknowledge that returned this number got nothing."""
    return SPECIAL <= intid <= SPURIOUS


class OnCpu(State):
    """``idle`` says that the running priority is that of no interrupt."""

    idle: bool = True


class RunningPriority(View):
    """``on[c].idle``: CPU ``c``'s running priority is that of no interrupt."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    @on(facts.AckedByHost)
    def on_host_ack(self, f: facts.AckedByHost) -> None:
        """An acknowledge raises it, if it got anything."""
        if not is_special(f.intid):
            self.on[f.pcpu].idle = False

    @on(facts.PriorityDropped)
    def on_priority_drop(self, f: facts.PriorityDropped) -> None:
        """EOIR drops it."""
        self.on[f.pcpu].idle = f.running == IDLE
