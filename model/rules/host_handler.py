"""What the host's handler of a forwarded interrupt does before it ends."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.guest_timers import GuestTimers
from model.check.views.handlings import TIMER_OF
from model.check.views.hw_timers import HwTimers
from model.check.views.lines import Lines
from model.check.views.running_priority import RunningPriority

__all__ = ["R0", "R14"]


class OnCpu(State):
    """``injected``: the VCPU for which the handler there injected that timer's interrupt, or -1."""

    injected: int = -1


class R0(Rule):
    """What the host acknowledged and found asserted is injected before its handler ends."""

    id = "R0"
    section = "introduction, paragraph 2"
    title = "a forwarded interrupt that the host handled with its line high was injected"
    eras = ("v7.2",)

    MISSED = alarm(
        "missed",
        "CPU {pcpu} handled INTID {intid} with the timer of VCPU {vcpu} loaded and its line high, "
        "and did not inject it",
    )

    hw_timers: HwTimers
    lines: Lines
    timers: GuestTimers

    def setup(self) -> None:
        """Make the states."""
        self.on = self.direct_pcpus(OnCpu)

    @on(facts.IsrBegan)
    def on_begin(self, f: facts.IsrBegan) -> None:
        """It has injected nothing yet."""
        for cpus in self.on.values():
            cpus[f.pcpu].injected = -1

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """It injects."""
        if f.level and f.vintid in self.on and f.pcpu >= 0:
            self.on[f.vintid][f.pcpu].injected = f.vcpu

    @on(facts.IsrEnded)
    def on_end(self, f: facts.IsrEnded) -> None:
        """If the timer loaded there fires, and the distributor sees it, it was injected."""
        on = self.on.get(f.intid)
        if on is None:
            return
        c = f.pcpu
        v = self.hw_timers.holders[f.intid][c].vcpu
        if v < 0 or not self.lines.has(c, f.intid):
            return
        # Silenced already, if the distributor has not seen it yet: there is nothing to inject.
        if self.timers.fires(v, TIMER_OF[f.intid]) and on[c].injected != v:
            self.report(self.MISSED, pcpu=c, intid=f.intid, vcpu=v)


class R14(Rule):
    """After the host's handler of a forwarded interrupt, the CPU takes others, though it is active.

    Of every other handler, and of none, see I13.
    """

    id = "R14"
    section = "Life Cycle, note (*)"
    title = "the host's EOI drops the priority of a forwarded interrupt before its handler ends"

    NOT_DROPPED = alarm(
        "not-dropped",
        "the handler of INTID {intid} ended on CPU {pcpu} and the running priority was not "
        "dropped: with it forwarded, the CPU takes nothing of default priority",
    )

    priority: RunningPriority

    def setup(self) -> None:
        """Find what is forwarded."""
        self.forwarded = (*self.setting.direct, *(x.intid for x in self.setting.forwards))

    @on(facts.IsrEnded)
    def on_end(self, f: facts.IsrEnded) -> None:
        """The priority is dropped."""
        if f.intid in self.forwarded and not self.priority.on[f.pcpu].idle:
            self.report(self.NOT_DROPPED, pcpu=f.pcpu, intid=f.intid)
