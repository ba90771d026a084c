"""The four ways a HW List Register may end, and when a guest can tell them apart.

It cannot as long as (a) the central invariant holds, (b) nothing but the guest's deactivation
changes the physical active bit before the fold that follows it, (c) that deactivation has arrived
when the fold looks, (d) the guest deactivates once, (e) no progress waits for an empty register.
The timer keeps all five. A passthrough device whose interrupt the host acknowledges on another CPU
breaks (b): the bit goes 1-0-1, and whoever polls it loses an interrupt.
"""

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.kvm.flow import Kvm
from harness.kvm.lazy import Lazy
from harness.kvm.seed import Seed
from harness.world import VgicWorld
from model import facts
from model.facts import Fact
from tests.race.running import outcomes, strategy, world_of

MODES = ("arch", "seed", "quirk", "erratum")
SEEN_BY_GUEST = (facts.AckedByGuest, facts.Completed, facts.DeactivatedByGuest, facts.GuestWfi)


def world_in(mode: str, scenario: str, era: type[Kvm], messages: str = "queued") -> VgicWorld:
    knobs = (("gic_messages", messages), ("lr_on_guest_deactivate", mode))
    return world_of(scenario, era, knobs)


def history(world: VgicWorld, i: int) -> list[tuple[str, object]]:
    """What the guests saw in schedule ``i``, in order."""
    seen: list[tuple[str, object]] = []

    def note(fact: Fact) -> None:
        seen.append((fact.KIND, fact))

    world.subscribe(dict.fromkeys(SEEN_BY_GUEST, note))
    outcome = DirectEngine().execute(Execution(world, strategy(i)))
    assert outcome is not None
    assert outcome.violations == []
    return seen


@pytest.mark.parametrize("era", [Seed, Lazy])
@pytest.mark.parametrize("scenario", ["timer-wfi", "timer-busy", "migrate", "lpi"])
def test_a_guest_cannot_tell_the_four_apart(scenario: str, era: type[Kvm]) -> None:
    # Synchronous messages: the polling fold would deliver what else is a choice of its own.
    worlds = [world_in(mode, scenario, era, "synchronous") for mode in MODES]
    seen = 0
    for i in range(40):
        arch, *others = [history(world, i) for world in worlds]
        seen += len(arch)
        for other in others:
            assert other == arch
    assert seen


def test_polling_loses_a_devices_interrupt_acknowledged_on_another_cpu() -> None:
    """Museum 57: LOST, though what the seed demands of the active state was kept throughout."""
    found = [
        violation
        for outcome in outcomes(world_in("seed", "spi-level", Lazy), 60)
        for violation in outcome.violations
    ]
    assert {(v.rule, v.type) for v in found} == {("L1", "lost")}


@pytest.mark.parametrize("mode", ["arch", "quirk", "erratum"])
@pytest.mark.parametrize("era", [Seed, Lazy])
def test_the_others_lose_nothing(mode: str, era: type[Kvm]) -> None:
    for outcome in outcomes(world_in(mode, "spi-level", era), 60):
        assert (outcome.violations, outcome.bound) == ([], "")
