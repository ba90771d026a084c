"""F3 at its smallest: two VCPUs on two CPUs, one SPI, and one write of its active state.

VCPU 0 acknowledges and ends the SPI; VCPU 1 deactivates it, which KVM does as for ICACTIVER. Only
I8 is asked: another VCPU's DIR may also come while its own CPU does not trap it, which is not F3.
"""

import pytest

from harness.scenarios.schema import ForwardSpec, Scenario, VcpuSpec
from harness.search.case import Case
from harness.search.explore.explore import explore
from harness.verdict import PROVED, VIOLATED

SMALLEST = Scenario(
    name="f03",
    title="another VCPU deactivates an SPI",
    pcpus=2,
    eoimode=1,
    deactivate="other",
    vcpu=(VcpuSpec(program=("wait",)), VcpuSpec(program=("serve",))),
    forward=(ForwardSpec(intid=50, kind="edge", events=1),),
)
VARIANTS = "tests/race/explore/f03_variants.py"


def verdict(variant: str) -> str:
    """Look at every interleaving."""
    return explore(Case(SMALLEST, variant, rules=("I8",)), shortest=False).verdict


def test_as_shipped_it_is_violated() -> None:
    assert verdict("v7.2+F3") == VIOLATED


@pytest.mark.long
def test_with_both_modes_moved_a_third_window_is_left() -> None:
    assert verdict(f"{VARIANTS}:ModesMoved") == VIOLATED


@pytest.mark.long
def test_with_the_requests_looked_at_again_it_is_proved() -> None:
    assert verdict(f"{VARIANTS}:Rechecked") == PROVED
