"""1. The physical active state follows the line alone (fixed by 0e3dfda91d9f, 2015).

The guest acknowledges and silences its timer; before it completes, KVM schedules it in again, sees
the line low, and clears the physical active state although a List Register is active. The guest's
deactivation then hits an inactive interrupt.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class FromLineOnly(Hooks):
    """At every entry in 4.14, at every load today."""

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Forget that the guest may have the interrupt active."""
        return level


PATCH = Patch(
    id="1",
    title="physical active state from the line only, not from the List Register",
    source="Linux 0e3dfda91d9f",
    symptom="LR active while the physical interrupt is inactive",
    hooks=FromLineOnly,
)
