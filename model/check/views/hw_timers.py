"""Whose values the CPUs' virtual timers hold."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Bits
from model.check.view import View
from model.timer import ENABLE

__all__ = ["HwTimers"]


class OnCpu(State):
    """``vcpu`` is whose values the CPU's virtual timer holds, or -1: it is off."""

    vcpu: int = -1


class OfVcpu(State):
    """``cpus`` are those whose virtual timer holds its values, as a mask."""

    cpus: Bits = 0


class HwTimers(View):
    """``on[c].vcpu`` is the VCPU whose values CPU ``c``'s virtual timer holds (-1: it is off)."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.of = self.each_vcpu(OfVcpu)

    def hold(self, v: int) -> bool:
        """Tell whether any CPU's timer holds the values of VCPU ``v``."""
        return self.of[v].cpus != 0

    @on(facts.TimerRestored)
    def on_restored(self, f: facts.TimerRestored) -> None:
        """KVM programmed it."""
        self.of[f.vcpu].cpus |= 1 << f.pcpu
        before, self.on[f.pcpu].vcpu = self.on[f.pcpu].vcpu, f.vcpu
        if before not in (-1, f.vcpu):
            self.of[before].cpus &= ~(1 << f.pcpu)

    @on(facts.TimerSaved)
    def on_saved(self, f: facts.TimerSaved) -> None:
        """KVM saved it, and perhaps left it on."""
        if f.left & ENABLE:
            return
        self.of[f.vcpu].cpus &= ~(1 << f.pcpu)
        before, self.on[f.pcpu].vcpu = self.on[f.pcpu].vcpu, -1
        if before not in (-1, f.vcpu):
            self.of[before].cpus &= ~(1 << f.pcpu)
