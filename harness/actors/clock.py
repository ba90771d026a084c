"""The clock: it moves virtual time to the next deadline, in a step of its own.

It may do so whenever there is a deadline, not only when everything else is at rest: a timer can
expire between any two steps.
"""

from collections.abc import Sequence

from harness.engine.execution import Slot
from harness.engine.footprint import Step
from harness.resources import BG_TIMER, CLOCK, HW_PTIMER, HW_TIMER, PTIMER_HRTIMER, SIGNAL
from harness.runtime import Runtime
from model.facts import Ticked
from model.host.thread import HrTimer
from model.identity import Actor
from model.timer import ENABLE, HwTimer

__all__ = ["HRTIMERS", "make", "pass_time"]

HRTIMERS = (BG_TIMER.all, PTIMER_HRTIMER.all)
DEADLINES = (HW_TIMER.all, HW_PTIMER.all, *HRTIMERS)
WATCHED = (*DEADLINES, CLOCK)
TICK = Step(DEADLINES, (CLOCK, SIGNAL.all), "clock_tick")


def make(rt: Runtime) -> Slot:
    """Return the clock's task."""
    machine = rt.machine
    clock, timers = machine.clock, (*machine.hw_timers, *machine.hw_ptimers)
    hrtimers = tuple(machine.hrtimers.values())
    op = rt.resources.ops()[TICK]
    reads = rt.resources.mask(WATCHED)

    def next_deadline() -> int:
        best = -1
        for timer in timers:
            at = timer.deadline()
            if at >= 0 and (best < 0 or at < best):
                best = at
        now = clock.now
        for hrtimer in hrtimers:
            if hrtimer.armed and hrtimer.expiry > now and (best < 0 or hrtimer.expiry < best):
                best = hrtimer.expiry
        return best

    def waits() -> bool:
        # As next_deadline() >= 0, but for the work: it is asked at every change of a timer.
        return any_deadline(timers, hrtimers, clock.now)

    async def main(task: Slot) -> None:
        while True:
            await task.step(op, waits, reads)
            pass_time(rt, next_deadline())

    return rt.new_task("c", Actor("clock"), main)


def pass_time(rt: Runtime, now: int) -> None:
    """Let it be ``now`` (virtual ns): timers that expire by then fire, soft ones by a signal."""
    machine = rt.machine
    machine.clock.now = now
    rt.emit(Ticked(now))
    for hrtimer in machine.hrtimers.values():
        if hrtimer.armed and hrtimer.expiry <= now:
            machine.signals[hrtimer.cpu].soft |= hrtimer.signal


def any_deadline(timers: Sequence[HwTimer], hrtimers: Sequence[HrTimer], now: int) -> bool:
    """Tell whether a timer expires after ``now`` (virtual ns)."""
    for timer in timers:
        if timer.ctl == ENABLE and timer.cval > timer.count():
            return True
    for hrtimer in hrtimers:  # noqa: SIM110  # a generator would cost more than it looks at
        if hrtimer.armed and hrtimer.expiry > now:
            return True
    return False
