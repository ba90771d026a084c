"""45. A guest's DIR does not trap (before the series of November 2025).

An SPI is active on the ap_list of one VCPU, and another deactivates it: its own List Registers do
not have it, nothing happens, and the SPI stays active for ever. The same in one VCPU when the
interrupt is in none of its List Registers, as the order of DIRs tells nothing.
"""

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.gic.registers import HCR_TDIR

__all__ = ["PATCH"]


class Untrapped(Hooks):
    """No TDIR, whatever is in flight."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Leave DIR to the hardware."""
        return super().configure_hcr(pending, active, size) & ~HCR_TDIR


PATCH = Patch(
    id="45",
    title="DIR does not trap: what another VCPU deactivates stays active",
    source="Linux, LR overflow series (lore 20251109171619.1507205)",
    symptom="an SPI is stuck active, and later interrupts of its device are lost",
    hooks=Untrapped,
    refused={"v4.14": "it is 4.14's own: no DIR traps there"},
)
