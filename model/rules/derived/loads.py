"""A VCPU's context is on one CPU at a time, and is taken off it once (I19)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State

__all__ = ["I19"]


class OfVcpu(State):
    """``pcpu`` is the CPU where it is loaded, or -1."""

    pcpu: int = -1


class I19(Rule):
    """Loads and puts of a VCPU alternate: what is put is what was loaded there.

    A put reads back the CPU's virtual interface. Where the VCPU is not loaded, as while its thread
    is in user space, that is another VCPU's by then, or nobody's: its guest goes on with another
    priority mask, or has handled what it has not.
    """

    id = "I19"
    section = "kvm_main.c, vcpu_load, vcpu_put, kvm_sched_in, kvm_sched_out (derived)"
    title = "a VCPU is loaded once, and put once, on the same CPU"

    TWICE = alarm("twice", "VCPU {vcpu} was loaded on CPU {pcpu}, and was loaded on CPU {other}")
    NOT_LOADED = alarm("not-loaded", "VCPU {vcpu} was put on CPU {pcpu}, and was not loaded there")

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """It must have been put before."""
        of = self.of[f.vcpu]
        was, of.pcpu = of.pcpu, f.pcpu
        if was >= 0:
            self.report(self.TWICE, vcpu=f.vcpu, pcpu=f.pcpu, other=was)

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """It must be loaded there."""
        of = self.of[f.vcpu]
        was, of.pcpu = of.pcpu, -1
        if was != f.pcpu:
            self.report(self.NOT_LOADED, vcpu=f.vcpu, pcpu=f.pcpu)
