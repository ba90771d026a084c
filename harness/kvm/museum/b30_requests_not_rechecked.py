"""30. A request made between the flush and the entry goes unnoticed (fixed by 325f9c649c8a, 2017).

An injector on another CPU queues its interrupt after the VCPU has flushed, finds it not yet in
guest mode, and sends no IPI; the VCPU announces guest mode and enters without looking once more.
Neither sees the other, and the interrupt waits for an exit that something else causes.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.host.thread import IN_GUEST, OUTSIDE

__all__ = ["EXHIBIT"]


class SeedUnchecked(V4_14):
    """Era v4.14, as it was before 4.13."""

    async def ready_to_enter(self, t: Context) -> bool:
        """Look at the scheduler's flag only."""
        return await enter_unchecked(self, t)


class LazyUnchecked(V7_2):
    """Era v7.2."""

    async def ready_to_enter(self, t: Context) -> bool:
        """Look at the scheduler's flag only."""
        return await enter_unchecked(self, t)


async def enter_unchecked(kvm: V4_14 | V7_2, t: Context) -> bool:
    """Announce guest mode, and do not look at the requests."""
    thread = kvm.machine.threads[t.v]
    await t.step(t.o.mode_in_guest)
    thread.mode = IN_GUEST
    await t.step(t.o.recheck_requests)
    if t.p.need_resched:
        thread.mode = OUTSIDE
        return False
    return True


EXHIBIT = Exhibit(
    id="30",
    title="requests are not looked at again after guest mode was announced",
    source="Linux 325f9c649c8a",
    symptom="an injected interrupt waits for an unrelated exit",
    eras={"v4.14": SeedUnchecked, "v7.2": LazyUnchecked},
)
