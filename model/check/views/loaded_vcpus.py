"""Which VCPU is loaded where."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View

__all__ = ["LoadedVcpus"]


class OnCpu(State):
    """``vcpu`` is the VCPU that is loaded there, or -1."""

    vcpu: int = -1


class LoadedVcpus(View):
    """``on[c].vcpu`` is the VCPU that owns timer and virtual interface of CPU ``c``, or -1."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    def cpu_of(self, v: int) -> int:
        """Return the CPU where VCPU ``v`` is loaded, or -1."""
        for c, on_cpu in enumerate(self.on):
            if on_cpu.vcpu == v:
                return c
        return -1

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """A vcpu_load ended."""
        self.on[f.pcpu].vcpu = f.vcpu

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """A vcpu_put ended."""
        self.on[f.pcpu].vcpu = -1
