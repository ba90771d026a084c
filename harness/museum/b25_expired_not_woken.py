"""25. A sleeper whose timer has expired already gets no background timer (compare accb99bcd0ca).

Nothing is left to wait for, it seems; but the thread sleeps, and who is to wake it? The interrupt
of the hardware's timer does not come any more, as the put has switched that off.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class OnlyLater(Hooks):
    """kvm_timer_blocking with a look at the time."""

    def is_blocking(self, v: int) -> bool:
        """Arm nothing for what is due."""
        due = self.earliest(v)
        return super().is_blocking(v) and not 0 <= due <= self.machine.clock.now


PATCH = Patch(
    id="25",
    title="a VCPU that sleeps with its timer due is woken by nobody",
    source="Linux accb99bcd0ca",
    symptom="a guest that idles misses its timer, and sleeps on",
    refused={"v4.14": "until 4.14 the look before the sleep asks whether a timer fires"},
    hooks=OnlyLater,
)
