"""Which VCPU is loaded where."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["LoadedVcpus"]


class OnCpu(State):
    """``vcpu`` is the VCPU that is loaded there, or -1."""

    vcpu: int = -1


class OfVcpu(State):
    """``pcpu`` is the CPU where it is loaded, or -1."""

    pcpu: int = -1


class LoadedVcpus(View):
    """Who owns timer and virtual interface of a CPU: ``on[c].vcpu``, ``of[v].pcpu``; or -1."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """A vcpu_load ended."""
        self.on[f.pcpu].vcpu = f.vcpu
        self.of[f.vcpu].pcpu = f.pcpu

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """A vcpu_put ended."""
        self.on[f.pcpu].vcpu = -1
        self.of[f.vcpu].pcpu = -1
