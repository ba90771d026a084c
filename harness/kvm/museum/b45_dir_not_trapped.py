"""45. A guest's DIR does not trap (before the series of November 2025).

An SPI is active on the ap_list of one VCPU, and another deactivates it: its own List Registers do
not have it, nothing happens, and the SPI stays active for ever. The same in one VCPU when the
interrupt is in none of its List Registers, as the order of DIRs tells nothing.
"""

from harness.kvm.museum.exhibit import Exhibit
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.gic.registers import HCR_TDIR

__all__ = ["EXHIBIT"]


class SeedUntrapped(V4_14):
    """Era v4.14."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Leave DIR to the hardware."""
        return super().configure_hcr(pending, active, size) & ~HCR_TDIR


class LazyUntrapped(V7_2):
    """Era v7.2."""

    def configure_hcr(self, pending: int, active: int, size: int) -> int:
        """Leave DIR to the hardware."""
        return super().configure_hcr(pending, active, size) & ~HCR_TDIR


EXHIBIT = Exhibit(
    id="45",
    title="DIR does not trap: what another VCPU deactivates stays active",
    source="Linux, LR overflow series (lore 20251109171619.1507205)",
    symptom="an SPI is stuck active, and later interrupts of its device are lost",
    eras={"v4.14": SeedUntrapped, "v7.2": LazyUntrapped},
)
