"""23. The soft timer's work masks the timer and injects (fixed by 1a74847885cc, 2015).

It should only wake the thread. Done this way, KVM's next look at the timer finds it masked,
computes the line as low, and enters with the interrupt in a List Register but not active. (The
historical failure was a VM saved between the injection and the mask; this is its form within one
VM.)
"""

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from harness.resources import VTIMER
from model.identity import VTIMER as VIRTUAL
from model.timer import IMASK

__all__ = ["PATCH"]


MASK_TIMER = Step((), (VTIMER.own,), "work_mask_timer")


class Injects(Hooks):
    """The work item changes the timer's state and injects, from outside the thread."""

    async def soft_timer_work(self, w: Context, v: int) -> None:
        """Mask the timer, inject, and wake the thread by that."""
        await w.step(MASK_TIMER)
        self.machine.timers[v][VIRTUAL].ctl |= IMASK
        await self.inject_timer(w, v, VIRTUAL, True)


PATCH = Patch(
    id="23",
    title="the soft timer masks the timer and injects instead of only waking",
    source="Linux 1a74847885cc",
    symptom="interrupt injected while the physical one is inactive",
    hooks=Injects,
    refused={
        "v7.2": "since 4.15 the soft timer's callback has no work item; this form needs one",
    },
)
