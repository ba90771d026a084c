"""What single rules leave out on purpose: it is silent, and with a real fault they speak.

Each scenario of the first test breaks its rule when that leaves nothing out. R17's pair is in
``test_unmasks_at_once``.
"""

from pathlib import Path

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.vgic.irq import VgicIrq
from tests.race.mutant import laid_over
from tests.race.mutants import AlwaysActive
from tests.race.mutants_guest import DirActivates
from tests.race.mutants_soft import EnablesAndKeeps
from tests.race.mutants_vgic import DeviceIgnored, DropsWhileQueued, LatchKept, SgiIgnored
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent
ENABLES, HELD, OUTSIDE, LATCHED, FALLS, NOBODY, ROUTED, REROUTED = (
    str(HERE / f"scenarios/{name}.toml")
    for name in (
        "enables-an-sgi",  # whoever has sent it
        "held-active",  # an edge of what the guest holds active is not owed to it
        "active-outside",  # what is active outside the List Registers waits for its end
        "enabled-and-latched",  # what is pending by ISPENDR keeps its physical active state
        "falls-late",  # a level's fall may come after the deactivation that KVM makes for a guest
        "falls-late-for-nobody",  # and is on its way still where its guest has finished
        "routed-while-shown",  # a level that has fallen stays on its way while it is routed
        "reset-while-routed",  # what a reset routes back is left to the next prune
    )
)
GICV2 = (("gic_version", "2"),)
LAGGING = (("gic_messages", "lagging"),)
FIRST = {FALLS: 36, NOBODY: 44, REROUTED: 42}
"""Within so many schedules (else 12) each rule was broken that left nothing out: seen of all."""


class LineKept(V7_2):
    """A device's level is still high in software when it is in a List Register."""

    def observes_edges(self, irq: VgicIrq) -> bool:
        return False


@pytest.mark.parametrize(
    ("scenario", "era", "rule", "knobs"),
    [
        (ENABLES, V4_14, "G7", GICV2),
        (ENABLES, V7_2, "G7", GICV2),
        (HELD, V7_2, "I6", ()),
        (OUTSIDE, V7_2, "I12", ()),
        (LATCHED, V7_2, "I2", ()),
        (FALLS, V4_14, "G3", LAGGING),
        (FALLS, V7_2, "G3", LAGGING),
        (NOBODY, V4_14, "G6", LAGGING),
        (NOBODY, V7_2, "G6", LAGGING),
        (ROUTED, V4_14, "G3", ()),
        (ROUTED, V7_2, "G3", ()),
        (REROUTED, V4_14, "G7", ()),
        (REROUTED, V7_2, "G7", ()),
    ],
)
def test_it_is_silent(
    scenario: str, era: type[Kvm], rule: str, knobs: tuple[tuple[str, str], ...]
) -> None:
    world = world_of(scenario, era, knobs, frozenset({rule}))
    for outcome in outcomes(world, FIRST.get(scenario, 12), audited=0):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize(
    ("scenario", "broken", "rule", "knobs"),
    [
        (ENABLES, SgiIgnored, "G7", GICV2),
        (HELD, DropsWhileQueued, "I6", ()),
        (OUTSIDE, DropsWhileQueued, "I12", ()),
        (LATCHED, AlwaysActive, "I2", ()),
        (FALLS, LatchKept, "G3", LAGGING),  # told of an SGI: of no level is anything said there
        (NOBODY, laid_over(DirActivates, V7_2), "G6", LAGGING),
        (ROUTED, LineKept, "G3", ()),
        (REROUTED, DeviceIgnored, "G7", ()),
        ("timer-busy", EnablesAndKeeps, "I2", ()),
    ],
)
def test_its_twin_with_a_fault_is_told(
    scenario: str, broken: type[Kvm], rule: str, knobs: tuple[tuple[str, str], ...]
) -> None:
    world = world_of(scenario, broken, knobs, frozenset({rule}))
    assert any(outcome.violations for outcome in outcomes(world, 16, audited=0))
