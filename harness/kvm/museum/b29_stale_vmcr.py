"""29. Blocking looks at a stale priority mask (fixed by 5eeaf10eec39, 2019).

The guest's mask was saved while it let nothing through. The guest opens it and waits; KVM asks
whether anything is deliverable, compares with the saved mask, and goes to sleep on a deliverable
interrupt.
"""

from harness.actors.context import Context
from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v7_2 import V7_2

__all__ = ["EXHIBIT"]


class StaleVmcr(V7_2):
    """Era v7.2: the mask in memory is as old as the last put."""

    async def sync_vmcr(self, t: Context) -> None:
        """Leave the mask in the hardware."""


EXHIBIT = Exhibit(
    id="29",
    title="the priority mask in memory is stale when a VCPU is about to block",
    source="Linux 5eeaf10eec39 (Fixes 328e56647944)",
    symptom="the VCPU sleeps on a deliverable interrupt",
    eras={
        "v4.14": "in 4.14 blocking does not look at the priority mask at all; the check that goes "
        "wrong here came later",
        "v7.2": StaleVmcr,
    },
)
