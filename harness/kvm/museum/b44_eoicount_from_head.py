"""44. EOIcount is taken from the head of the ap_list (fixed by 6da5e537f5af, 2026).

The maintenance interrupt comes late: meanwhile the guest acknowledges another interrupt from a List
Register, and completes one that is in none. KVM looks for what was completed from the head of the
list, and finds what the guest handles still.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2

__all__ = ["EXHIBIT"]


class SeedFromHead(V4_14):
    """Era v4.14."""

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Begin with those in the List Registers."""
        return self.machine.vgics[t.v].ap_list


class LazyFromHead(V7_2):
    """Era v7.2."""

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Begin with those in the List Registers."""
        return self.machine.vgics[t.v].ap_list


EXHIBIT = Exhibit(
    id="44",
    title="a completion outside the List Registers is credited to the head of the ap_list",
    source="Linux 6da5e537f5af (Fixes 3cfd59f81e0f3)",
    symptom="an interrupt that is being handled is ended, and another stays active",
    eras={"v4.14": SeedFromHead, "v7.2": LazyFromHead},
)
