"""The soft timers that stand in for a guest's timers."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.identity import BG_TIMER

__all__ = ["SoftTimers"]


class OfVcpu(State):
    """``background``: bg_timer is armed; ``emulated``: what the emulation timer is armed for.

    That is a moment in virtual nanoseconds, or -1.
    """

    background: bool = False
    emulated: int = -1


class SoftTimers(View):
    """``of[v].background`` and ``of[v].emulated`` of VCPU ``v``."""

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Armed)
    def on_armed(self, f: facts.Armed) -> None:
        """One was armed."""
        if f.timer == BG_TIMER:
            self.of[f.vcpu].background = True
        else:
            self.of[f.vcpu].emulated = f.expiry

    @on(facts.Cancelled)
    def on_cancelled(self, f: facts.Cancelled) -> None:
        """One was cancelled."""
        if f.timer == BG_TIMER:
            self.of[f.vcpu].background = False
        else:
            self.of[f.vcpu].emulated = -1

    @on(facts.Expired)
    def on_expired(self, f: facts.Expired) -> None:
        """One fired, or had to be started again."""
        if f.timer == BG_TIMER:
            self.of[f.vcpu].background = f.early
        elif not f.early:
            self.of[f.vcpu].emulated = -1
