"""The level that KVM last computed for a timer that a guest has in hardware."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.timer import TIMER_PPIS, VTIMER_PPI

__all__ = ["TimerLevels"]


class OfVcpu(State):
    """``high``: KVM found that the timer fires when it last looked."""

    high: bool = False


class TimerLevels(View):
    """``of[v].high``: KVM found VCPU ``v``'s virtual timer to fire when it last looked.

    ``direct[intid]`` has the same of each timer that guests have in hardware.
    """

    trusts = (
        "it is what KVM concluded, to be held against the active state that follows from it; "
        "R28b holds each conclusion against the guest's timer"
    )

    def setup(self) -> None:
        """Make the states."""
        self.direct = self.direct_vcpus(OfVcpu)
        self.of = self.direct[VTIMER_PPI]

    @on(facts.TimerRead)
    def on_read(self, f: facts.TimerRead) -> None:
        """KVM computed it."""
        self.direct[TIMER_PPIS[f.timer]][f.vcpu].high = f.level

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The guest starts anew, its timer off."""
        for timers in self.direct.values():
            timers[f.vcpu].high = False
