"""29. Blocking looks at a stale priority mask (fixed by 5eeaf10eec39, 2019).

The guest's mask was saved while it let nothing through. The guest opens it and waits; KVM asks
whether anything is deliverable, compares with the saved mask, and goes to sleep on a deliverable
interrupt.
"""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class StaleVmcr(Hooks):
    """The mask in memory is as old as the last put."""

    async def sync_vmcr(self, t: Context) -> None:
        """Leave the mask in the hardware."""


PATCH = Patch(
    id="29",
    title="the priority mask in memory is stale when a VCPU is about to block",
    source="Linux 5eeaf10eec39 (Fixes 328e56647944)",
    symptom="the VCPU sleeps on a deliverable interrupt",
    hooks=StaleVmcr,
    refused={
        "v4.14": "in 4.14 blocking does not look at the priority mask at all; the check that goes "
        "wrong here came later",
    },
)
