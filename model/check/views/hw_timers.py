"""Whose values the CPUs' virtual timers hold."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.timer import ENABLE

__all__ = ["HwTimers"]


class OnCpu(State):
    """``vcpu`` is whose values the CPU's virtual timer holds, or -1: it is off."""

    vcpu: int = -1


class HwTimers(View):
    """``on[c].vcpu`` is the VCPU whose values CPU ``c``'s virtual timer holds (-1: it is off)."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    def hold(self, v: int) -> bool:
        """Tell whether any CPU's timer holds the values of VCPU ``v``."""
        return any(on_cpu.vcpu == v for on_cpu in self.on)

    @on(facts.TimerRestored)
    def on_restored(self, f: facts.TimerRestored) -> None:
        """KVM programmed it."""
        self.on[f.pcpu].vcpu = f.vcpu

    @on(facts.TimerSaved)
    def on_saved(self, f: facts.TimerSaved) -> None:
        """KVM saved it, and perhaps left it on."""
        if not f.left & ENABLE:
            self.on[f.pcpu].vcpu = -1
