"""An SPI is routed to another VCPU and back while its owner prunes its ap_list."""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

GOES_OFFLINE = str(Path(__file__).parent / "scenarios" / "goes-offline.toml")
SYMPTOMS = frozenset({"I6", "L1", "deadlock"})
"""What the guest suffers, without the rule that names the cause."""


@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_the_second_look_is_taken_and_refuses(
    era: type[Kvm], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = {True: 0, False: 0}
    original = era.still_moves

    def still_moves(kvm: Kvm, t: Context, irq: VgicIrq, target: int) -> bool:
        assert irq.vcpu == t.v  # nobody but its owner takes it off a list
        moves = original(kvm, t, irq, target)
        looks[moves] += 1
        return moves

    monkeypatch.setattr(era, "still_moves", still_moves)
    schedules = 200
    world = world_of("retarget", era)
    assert not [v async for outcome in outcomes(world, schedules) for v in outcome.violations]
    # About 1 schedule in 10 refuses, and 1 in 2 moves.
    assert looks[False] >= schedules // 50
    assert looks[True] >= schedules // 10


@pytest.mark.parametrize("era", [pytest.param("v4.14", marks=pytest.mark.long), "v7.2"])
async def test_without_it_an_interrupt_is_lost_to_a_vcpu_that_goes_offline(era: str) -> None:
    world = world_of(GOES_OFFLINE, resolve_variant(f"{era}+prune-recheck"), rules=SYMPTOMS)
    tried = 0
    async for outcome in outcomes(world, 4_000, audited=2):
        tried += 1
        if outcome.violations:
            break
    lost = outcome.violations
    assert {(v.rule, v.type) for v in lost} == {("I6", "lost"), ("deadlock", "lost")}
    irq = world.machine.spis[80]
    assert (irq.vcpu, irq.target) == (1, 0)

    clean = world_of(GOES_OFFLINE, resolve_variant(era))
    assert not [v async for outcome in outcomes(clean, min(tried, 200)) for v in outcome.violations]
