"""43-reads. A read of ISACTIVER halts nobody (fixed by 9a50ebbffa98, 2020).

What a VCPU has in its List Registers is not in the software state: the guest that reads the active
state of an interrupt that another VCPU handles is told that it is not active.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch

__all__ = ["PATCH"]


class ReadsHaltNobody(Hooks):
    """Reads take what was folded last."""

    halts_for_reads = False


PATCH = Patch(
    id="43-reads",
    title="a read of the active state takes what was folded last",
    source="Linux 9a50ebbffa98",
    symptom="a guest reads that an interrupt is not active, which another VCPU handles",
    refused={"v4.14": "it is 4.14's own: no read halts there"},
    hooks=ReadsHaltNobody,
)
