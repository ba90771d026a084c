"""36. A VCPU looks for interrupts, and then says that it waits (Hafnium issues 7 and 13).

Who has something for it between the two finds a thread that runs, and wakes nobody; the thread
sleeps on what it saw. In Linux the order is the other way round: the state of the task is set, then
kvm_vcpu_check_block looks.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.museum.patch import Patch
from model.host.thread import INTERRUPTIBLE

__all__ = ["PATCH"]


class LooksFirst(Hooks):
    """The loop of kvm_vcpu_block with two lines in the wrong order."""

    async def wait_loop(self, t: Context) -> None:
        """Look, set the state of the task, sleep."""
        thread = self.machine.threads[t.v]
        while True:
            await self.point(t, Steps.check_block)
            if thread.stop or self.runnable(t):
                break
            await self.point(t, Steps.set_interruptible)
            thread.state = INTERRUPTIBLE
            await self.block(t)


PATCH = Patch(
    id="36",
    title="a VCPU looks for interrupts before it says that it waits",
    source="Hafnium issues 7 and 13",
    symptom="a wake-up is lost, and the guest sleeps on with an interrupt pending",
    hooks=LooksFirst,
)
