"""The clock: it moves virtual time to the next deadline, in a step of its own.

It may do so whenever there is a deadline, not only when everything else is at rest: a timer can
expire between any two steps.
"""

from typing import TYPE_CHECKING

from harness.engine.execution import Slot
from model.facts import Ticked
from model.identity import Actor

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make"]

OPS = {"clock_tick": ("timer* hrtimer* phrtimer*", "clock signal*")}
WATCHED = "timer* hrtimer* phrtimer* clock"


def make(world: "VgicWorld") -> Slot:
    """Return the clock's task."""
    machine = world.machine
    clock, timers = machine.clock, machine.timers
    hrtimers = (*machine.hrtimers, *machine.phrtimers)
    op = world.op_table.ops(OPS, 0, 0).clock_tick
    reads = world.resources.mask(WATCHED, 0, 0)

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
        return next_deadline() >= 0

    async def main(task: Slot) -> None:
        step = task.step
        while True:
            await step(op, waits, reads)
            now = clock.now = next_deadline()
            world.emit(Ticked(now))
            for hrtimer in hrtimers:
                if hrtimer.armed and hrtimer.expiry <= now:
                    machine.signals[hrtimer.cpu].soft |= hrtimer.signal

    return world.new_task("c", Actor("clock"), main)
