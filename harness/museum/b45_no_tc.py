"""45-tc. On a CPU that cannot trap DIR alone nothing is trapped (the series of November 2025).

Without ICH_VTR_EL2.TDS all accesses to the common registers of the CPU interface have to trap (TC),
so that a DIR of another VCPU's interrupt does. The machine here has no TDIR.
"""

from collections.abc import Callable

import msgspec

from harness.kvm.hooks import Hooks
from harness.museum.patch import Patch
from model.facts import Fact
from model.machine import Config, Machine

__all__ = ["PATCH"]


class WithoutTdir(Machine):
    """A machine whose CPUs cannot trap DIR alone."""

    def __init__(self, config: Config, emit: Callable[[Fact], None]) -> None:
        super().__init__(msgspec.structs.replace(config, tdir=False), emit)


class NothingTraps(Hooks):
    """vgic_ich_hcr_trap_bits forgotten."""

    machine_class = WithoutTdir

    def trap_bits(self) -> int:
        """Leave TC clear."""
        return 0


PATCH = Patch(
    id="45-tc",
    title="without TDIR, DIR does not trap: TC is not set in its place",
    source="Linux, LR overflow series (lore 20251109171619.1507205), vgic_ich_hcr_trap_bits",
    symptom="an SPI that another VCPU deactivates is stuck active",
    refused={"v4.14": "it is 4.14's own: no DIR traps there"},
    hooks=NothingTraps,
)
