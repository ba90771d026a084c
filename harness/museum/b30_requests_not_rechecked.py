"""30. A request made between the flush and the entry goes unnoticed (fixed by 325f9c649c8a, 2017).

An injector on another CPU queues its interrupt after the VCPU has flushed, finds it not yet in
guest mode, and sends no IPI; the VCPU announces guest mode and enters without looking once more.
Neither sees the other, and the interrupt waits for an exit that something else causes.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class Unchecked(Hooks):
    """The entry of before 4.13."""

    def entry_is_refused(self, t: Context) -> bool:
        """Look at the scheduler's flag only, where that is looked at here."""
        return t.p.need_resched and not self.signal_after_flush


PATCH = Patch(
    id="30",
    title="requests are not looked at again after guest mode was announced",
    source="Linux 325f9c649c8a",
    symptom="an injected interrupt waits for an unrelated exit",
    hooks=Unchecked,
)
