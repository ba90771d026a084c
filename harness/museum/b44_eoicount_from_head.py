"""44. EOIcount is taken from the head of the ap_list (fixed by 6da5e537f5af, 2026).

The maintenance interrupt comes late: meanwhile the guest acknowledges another interrupt from a List
Register, and completes one that is in none. KVM looks for what was completed from the head of the
list, and finds what the guest handles still.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class FromHead(Hooks):
    """The walk starts at the head of the ap_list."""

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Begin with those in the List Registers."""
        return self.machine.vgics[t.v].ap_list


PATCH = Patch(
    id="44",
    title="a completion outside the List Registers is credited to the head of the ap_list",
    source="Linux 6da5e537f5af (Fixes 3cfd59f81e0f3)",
    symptom="an interrupt that is being handled is ended, and another stays active",
    hooks=FromHead,
    refused={"v4.14": "4.14 reads no EOIcount: what is completed outside them is lost there"},
)
