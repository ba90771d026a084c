"""What guests may do to their own interrupts, and to each other's, without KVM being at fault.

Generated scenarios (``tests/generate``) found each of these to be taken for a fault. They are
silent now, or told as the guests'; with a real fault in its place the same rule speaks.
"""

from pathlib import Path

import pytest

from harness.context import Context
from harness.findings.lookup import find_known
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.check.violation import Violation
from model.rules.registry import FAULTS
from model.vgic.irq import VgicIrq
from tests.race.mutants import NotWrittenAtLoad, QueuedUnkicked
from tests.race.mutants_registers import DropsActive, FoldLosesActive, FoldLosesPending
from tests.race.mutants_vgic import ForgetsActive, LatchKept, PrunesActive, SaysItKicks, SgiIgnored
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
ACTIVE, LEVEL, LATE, AWAY, SGI, AGAIN, NESTED, RESTORED = (
    str(HERE / f"{name}.toml")
    for name in (
        "activates-own-timer",  # L6, R23, I11: ISACTIVER of its own timer
        "clears-level",  # G3: a line that falls while another VCPU's DIR is carried out
        "enabled-late",  # R8, I5, I8, I12: enabled, cleared and routed between flush and entry
        "thrown-away",  # L1, R27, deadlock: ICPENDR of the edge that it waits for
        "sets-sgi-pending",  # G7: ISPENDR of a GICv2's SGI
        "activated-again",  # I8: ISACTIVER and ICACTIVER beside a VCPU that enters
        "nested-completes-first",  # the bound on the drain: a handler that never returned
        "activates-anothers-timer",  # L6: ISACTIVER from another VCPU that is restored earlier
    )
)
SEEN_WITHIN = {RESTORED: 52}
"""Schedules within which it was taken for a fault, where 16 are too few."""
V2 = (("gic_version", "2"),)
STEPS = 1_500
"""More than any of these takes, unless a handler interrupts itself again and again."""


@pytest.mark.parametrize(
    ("scenario", "knobs"),
    [
        (ACTIVE, ()),
        (LEVEL, ()),
        (LATE, ()),
        (AWAY, ()),
        (SGI, V2),
        (AGAIN, ()),
        (NESTED, ()),
        (RESTORED, ()),
    ],
    ids=lambda value: Path(value).stem if isinstance(value, str) else "",
)
@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_no_fault_of_kvm(
    scenario: str, knobs: tuple[tuple[str, str], ...], era: type[Kvm]
) -> None:
    async for outcome in outcomes(
        world_of(scenario, era, knobs), SEEN_WITHIN.get(scenario, 16), audited=2
    ):
        unknown = [
            violation.rule
            for violation in outcome.violations
            if find_known(violation, scenario, era.era, dict(knobs)) is None
        ]
        assert set(unknown) <= FAULTS
        assert outcome.bound == ""
        assert outcome.steps < STEPS


@pytest.mark.parametrize(
    ("scenario", "knobs", "broken", "rule"),
    [
        (ACTIVE, (), FoldLosesActive, "L6"),
        (ACTIVE, (), NotWrittenAtLoad, "R23"),
        (RESTORED, (), ForgetsActive, "L6"),
        (LEVEL, (), LatchKept, "G3"),
        (LATE, (), FoldLosesPending, "R8"),
        (LATE, (), PrunesActive, "I5"),
        (LATE, (), DropsActive, "I8"),
        (LATE, (), SaysItKicks, "I12"),
        (AWAY, (), QueuedUnkicked, "R27"),
        (SGI, V2, SgiIgnored, "G9"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
async def test_its_twin_with_a_fault_is_told(
    scenario: str, knobs: tuple[tuple[str, str], ...], broken: type[Kvm], rule: str
) -> None:
    assert await found_by(scenario, knobs, broken, rule)


async def found_by(
    scenario: str, knobs: tuple[tuple[str, str], ...], broken: type[Kvm], rule: str
) -> list[Violation]:
    """Return how a rule is broken first, within a few schedules."""
    async for outcome in outcomes(world_of(scenario, broken, knobs, frozenset({rule})), 80):
        if outcome.violations:
            return outcome.violations
    return []


class LooksBeforeTheLock(V7_2):
    """The halt waits until the interrupt is folded, and then takes irq_lock: F3's third window.

    A VCPU that has looked at its requests may flush in between, give its entry up, and fold.
    """

    def is_folded(self, t: Context, irq: VgicIrq) -> bool:
        return True


async def test_the_active_state_is_written_only_when_it_is_folded() -> None:
    assert await found_by(AGAIN, (), LooksBeforeTheLock, "I8")
