"""Whose values the CPUs' timers hold: the virtual ones, and what guests have of the others."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.unknown import Bits
from model.check.view import View
from model.timer import ENABLE, TIMER_PPIS, VTIMER_PPI

__all__ = ["HwTimers"]


class OnCpu(State):
    """``vcpu`` is whose values the CPU's timer holds, or -1: it is off."""

    vcpu: int = -1


class OfVcpu(State):
    """``cpus`` are those whose timer holds its values, as a mask."""

    cpus: Bits = 0


class HwTimers(View):
    """``on[c].vcpu`` is the VCPU whose values CPU ``c``'s virtual timer holds (-1: it is off).

    ``holders[intid]`` has the same of each timer that guests have in hardware.
    """

    def setup(self) -> None:
        """Make the states."""
        self.holders = self.direct_pcpus(OnCpu)
        self.held = self.direct_vcpus(OfVcpu)
        self.on = self.holders[VTIMER_PPI]

    def hold(self, v: int, intid: int = VTIMER_PPI) -> bool:
        """Tell whether any CPU's timer of that interrupt holds the values of VCPU ``v``."""
        return self.held[intid][v].cpus != 0

    @on(facts.TimerRestored)
    def on_restored(self, f: facts.TimerRestored) -> None:
        """KVM programmed it."""
        intid = TIMER_PPIS[f.timer]
        of, on_cpu = self.held[intid], self.holders[intid][f.pcpu]
        of[f.vcpu].cpus |= 1 << f.pcpu
        before, on_cpu.vcpu = on_cpu.vcpu, f.vcpu
        if before not in (-1, f.vcpu):
            of[before].cpus &= ~(1 << f.pcpu)

    @on(facts.TimerSaved)
    def on_saved(self, f: facts.TimerSaved) -> None:
        """KVM saved it, and perhaps left it on."""
        if f.left & ENABLE:
            return
        intid = TIMER_PPIS[f.timer]
        of, on_cpu = self.held[intid], self.holders[intid][f.pcpu]
        of[f.vcpu].cpus &= ~(1 << f.pcpu)
        before, on_cpu.vcpu = on_cpu.vcpu, -1
        if before not in (-1, f.vcpu):
            of[before].cpus &= ~(1 << f.pcpu)
