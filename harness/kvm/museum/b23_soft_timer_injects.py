"""23. The soft timer's work masks the timer and injects (fixed by 1a74847885cc, 2015).

It should only wake the thread. Done this way, KVM's next look at the timer finds it masked,
computes the line as low, and enters with the interrupt in a List Register but not active. (The
historical failure was a VM saved between the injection and the mask; this is its form within one
VM.)
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.ops import KVM_OPS
from harness.kvm.v4_14 import V4_14
from model.timer import IMASK

__all__ = ["EXHIBIT"]


class Injects(V4_14):
    """Era v4.14: the work item changes the timer's state and injects, from outside the thread."""

    OPS = KVM_OPS | {"work_mask_timer": ("", "vtimer@v")}

    async def soft_timer_work(self, w: Context, v: int) -> None:
        """Mask the timer, inject, and wake the thread by that."""
        await w.step(w.o.work_mask_timer)
        self.machine.vtimers[v].ctl |= IMASK
        await self.inject(w, v, True)


EXHIBIT = Exhibit(
    id="23",
    title="the soft timer masks the timer and injects instead of only waking",
    source="Linux 1a74847885cc",
    symptom="interrupt injected while the physical one is inactive",
    eras={
        "v4.14": Injects,
        "v7.2": "since 4.15 the soft timer's callback has no work item; this form needs one",
    },
)
