"""Who is in its guest, and where."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["Guests"]


class OnCpu(State):
    """``vcpu`` is the VCPU in its guest there, or -1."""

    vcpu: int = -1


class OfVcpu(State):
    """``pcpu`` is the CPU where its guest runs, or -1."""

    pcpu: int = -1


class Guests(View):
    """``on[c].vcpu`` is the VCPU in its guest on CPU ``c``, ``of[v].pcpu`` where ``v`` is (-1)."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """A guest begins to run."""
        self.on[f.pcpu].vcpu = f.vcpu
        self.of[f.vcpu].pcpu = f.pcpu

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """It is left."""
        self.on[f.pcpu].vcpu = -1
        self.of[f.vcpu].pcpu = -1
