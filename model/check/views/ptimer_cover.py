"""Whether something stands for a guest's physical timer while it runs."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.check.views.guest_timers import GuestTimers
from model.check.views.soft_timers import SoftTimers
from model.identity import PTIMER
from model.timer import ENABLE, PTIMER_PPI

__all__ = ["PtimerCover"]


class OfVcpu(State):
    """``told`` is the level that KVM gave the vgic last."""

    told: bool = False


class PtimerCover(View):
    """``of[v].told`` is the level of VCPU ``v``'s physical timer that the vgic was given last."""

    timers: GuestTimers
    soft: SoftTimers

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    def covers(self, v: int) -> bool:
        """Tell whether, while its guest runs, the timer's interrupt is there or will come."""
        if self.setting.direct_ptimer:
            return True  # the hardware's output is
        timers = self.timers
        physical = timers.physical[v]
        if physical.ctl != ENABLE:
            return True
        latest = max(physical.deadline, timers.clock.time.now)
        if 0 <= self.soft.of[v].emulated <= latest:
            return True
        return self.of[v].told and timers.fires(v, PTIMER)

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """A level was given to the vgic."""
        if f.vintid == PTIMER_PPI:
            self.of[f.vcpu].told = f.level
