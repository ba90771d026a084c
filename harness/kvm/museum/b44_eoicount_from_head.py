"""44. EOIcount is taken from the head of the ap_list (fixed by 6da5e537f5af, 2026).

The maintenance interrupt comes late: meanwhile the guest acknowledges another interrupt from a List
Register, and completes one that is in none. KVM looks for what was completed from the head of the
list, and finds what the guest handles still.
"""

from harness.kvm.lazy import Lazy
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.seed import Seed
from harness.tasks.context import Context

__all__ = ["EXHIBIT"]


class SeedFromHead(Seed):
    """Era seed."""

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Begin with those in the List Registers."""
        return self.machine.vgics[t.v].ap_list


class LazyFromHead(Lazy):
    """Era lazy."""

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Begin with those in the List Registers."""
        return self.machine.vgics[t.v].ap_list


EXHIBIT = Exhibit(
    id="44",
    title="a completion outside the List Registers is credited to the head of the ap_list",
    source="Linux 6da5e537f5af (Fixes 3cfd59f81e0f3)",
    symptom="an interrupt that is being handled is ended, and another stays active",
    eras={"seed": SeedFromHead, "lazy": LazyFromHead},
)
