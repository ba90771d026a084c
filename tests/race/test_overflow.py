"""More interrupts than List Registers, through KVM's flow: what is reached, and in which order.

Of today's KVM alone: what 4.14 did with them is finding F26 (``test_known_findings.py``).
"""

import pytest

from harness.engine.execution import Outcome
from harness.kvm.v7_2 import V7_2
from harness.world import VgicWorld
from model import facts
from model.facts import Fact
from model.gic.registers import HCR_UIE
from model.messages import MAINTENANCE_PPI
from tests.race.running import guest_on, hcr_on, outcomes, world_of


def watched(world: VgicWorld, *kinds: type[Fact]) -> list[Fact]:
    seen: list[Fact] = []
    world.subscribe(dict.fromkeys(kinds, seen.append))
    return seen


def clean(outcome: Outcome) -> bool:
    return not outcome.violations and not outcome.bound


async def test_nested_handlers_complete_in_the_reverse_order_of_their_acknowledges() -> None:
    world = world_of("overflow", V7_2)
    handled: list[list[int]] = [[], []]
    deepest = 0

    def on_ack(fact: facts.AckedByGuest) -> None:
        nonlocal deepest
        if fact.vintid < 1020:
            v = guest_on(world, fact.pcpu)
            handled[v].append(fact.vintid)
            deepest = max(deepest, len(handled[v]))

    def on_eoi(fact: facts.Completed) -> None:
        assert handled[guest_on(world, fact.pcpu)].pop() == fact.vintid

    world.subscribe({facts.AckedByGuest: on_ack, facts.Completed: on_eoi})
    async for outcome in outcomes(world, 120, audited=4):
        assert clean(outcome)
        assert handled == [[], []]
    assert deepest >= 3


async def test_what_is_spilled_is_deactivated_by_eoicount() -> None:
    world = world_of("overflow", V7_2)
    seen = watched(world, facts.Emulated)
    assert all([clean(outcome) async for outcome in outcomes(world, 120, audited=4)])
    assert seen
    assert {fact.cause for fact in seen if isinstance(fact, facts.Emulated)} == {"eoicount"}


async def test_deactivations_come_in_any_order_and_from_another_vcpu() -> None:
    world = world_of("overflow-dir", V7_2)
    seen = watched(world, facts.AckedByGuest, facts.Trapped, facts.Emulated)
    orders: set[bool] = set()
    owners: set[tuple[int, int]] = set()
    async for outcome in outcomes(world, 40, audited=4):
        assert clean(outcome)
        acked: list[int] = []
        by = -1
        for fact in seen:
            if isinstance(fact, facts.AckedByGuest) and fact.vintid >= 32:
                acked.append(fact.vintid)
            elif isinstance(fact, facts.Trapped):
                by = fact.vcpu
                if fact.vintid in acked:
                    orders.add(acked[-1] == fact.vintid)
                    acked.remove(fact.vintid)
            elif isinstance(fact, facts.Emulated):
                owners.add((fact.vcpu, by))
        seen.clear()
    assert orders == {True, False}
    assert (0, 1) in owners


async def test_the_maintenance_interrupt_comes_late_or_never() -> None:
    """The guest goes on after the cause has arisen, and may leave by itself before it is told."""
    world = world_of("overflow", V7_2)
    late = told = 0

    def on_exit(fact: facts.Exited) -> None:
        nonlocal late, told
        if hcr_on(world, fact.pcpu) & HCR_UIE and world.machine.gic.maintenance(fact.pcpu):
            seen = world.machine.gic.line(fact.pcpu, MAINTENANCE_PPI)
            told += seen
            late += not seen

    world.subscribe({facts.Exited: on_exit})
    # The look at the machine above is no part of any step: the audit would object to it.
    assert all([clean(outcome) async for outcome in outcomes(world, 200, audited=0)])
    assert late
    assert told


@pytest.mark.parametrize("lrs", ["3", "4", "16"])
@pytest.mark.parametrize("scenario", ["overflow", "overflow-dir"])
async def test_any_number_of_list_registers(scenario: str, lrs: str) -> None:
    world = world_of(scenario, V7_2, lrs=int(lrs))
    assert all([clean(outcome) async for outcome in outcomes(world, 12, audited=2)])


@pytest.mark.parametrize("knobs", [(("gic_version", "2"),), (("gic_messages", "synchronous"),)])
@pytest.mark.parametrize("scenario", ["overflow", "overflow-dir"])
async def test_other_machines(scenario: str, knobs: tuple[tuple[str, str], ...]) -> None:
    world = world_of(scenario, V7_2, knobs)
    assert all([clean(outcome) async for outcome in outcomes(world, 40, audited=4)])
