"""Legal behaviour that looks like a fault, and must raise no alarm.

Each test has a scenario that reaches the behaviour, counts how often it did, and finds no violation
and no bound.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.facts import Fact
from model.messages import MAINTENANCE_PPI
from model.timer import VTIMER_PPI
from tests.race.running import RaceWorld, is_active, is_high, loaded_on, outcomes, world_of

SCENARIOS = Path(__file__).parent / "scenarios"
SPURIOUS = 1023

Handlers = dict[type[Fact], Callable[[Any], None]]
both_eras = pytest.mark.parametrize("era", [V4_14, V7_2])


def world_for(scenario: str, era: type[Kvm], **knobs: str) -> RaceWorld:
    path = SCENARIOS / f"{scenario}.toml"
    return world_of(str(path) if path.exists() else scenario, era, tuple(knobs.items()))


async def silent(world: RaceWorld, handlers: Handlers, schedules: int = 100) -> None:
    """Run schedules and check that none raises an alarm."""
    world.subscribe(handlers)
    async for outcome in outcomes(world, schedules):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize("eoimode", ["0", "1"])
@both_eras
async def test_completing_before_silencing_delivers_again(era: type[Kvm], eoimode: str) -> None:
    """The distributor samples the line at the deactivation, finds it high, and signals again."""
    world = world_for("eoi-first", era, eoimode=eoimode)
    high = 0

    def on_arrival(fact: facts.DeactivationArrived) -> None:
        nonlocal high
        high += is_high(world, fact.pcpu, fact.intid)

    await silent(world, {facts.DeactivationArrived: on_arrival})
    assert high > 50


async def test_a_guest_may_make_its_timers_interrupt_pending() -> None:
    """GICD_ISPENDR for a mapped PPI whose line is low; what an exit then does is finding F4.

    4.14 does not tell the hardware: F4 at once (``test_known_findings.py``).
    """
    world = world_for("pend-own-timer", V7_2)
    acked = 0

    def on_ack(fact: facts.AckedByGuest) -> None:
        nonlocal acked
        acked += fact.vintid == VTIMER_PPI
        assert not is_high(world, fact.pcpu, VTIMER_PPI)

    await silent(world, {facts.AckedByGuest: on_ack}, 40)
    assert acked == 80


async def test_the_host_takes_a_timer_that_was_silenced_meanwhile() -> None:
    """Its handler finds the line low and injects nothing; the active state stays until a load.

    Only a GIC that never hurries can bring it (gic_messages=lagging): the line's fall, which the
    exit would have delivered, comes later than the interrupt.
    """
    world = world_for("silenced-early", V7_2, gic_messages="lagging")
    low = left_active = cleared = 0
    injected = stale = False

    def on_begin(_fact: facts.IsrBegan) -> None:
        nonlocal injected
        injected = False

    def on_inject(_fact: facts.Injected) -> None:
        nonlocal injected
        injected = True

    def on_end(fact: facts.IsrEnded) -> None:
        nonlocal low, left_active, stale
        if fact.intid == VTIMER_PPI and fact.line is False:
            low += 1
            assert not injected
            stale = is_active(world, fact.pcpu)
            left_active += stale

    def on_write(fact: facts.PhysActiveWritten) -> None:
        nonlocal cleared, stale
        cleared += stale and not fact.value
        stale = False

    handlers: Handlers = {
        facts.IsrBegan: on_begin,
        facts.Injected: on_inject,
        facts.IsrEnded: on_end,
        facts.PhysActiveWritten: on_write,
    }
    await silent(world, handlers, 400)
    assert low == left_active > 2
    assert cleared > 2


async def test_the_host_takes_a_timer_that_was_put_meanwhile() -> None:
    """A line that is not retired yet when its VCPU is gone: the handler finds nobody."""
    world = world_for("silenced-early", V7_2)
    nobody = 0

    def on_end(fact: facts.IsrEnded) -> None:
        nonlocal nobody
        nobody += fact.intid == VTIMER_PPI and fact.line is None

    await silent(world, {facts.IsrEnded: on_end}, 400)
    assert nobody


@both_eras
async def test_a_kicks_ipi_comes_late(era: type[Kvm]) -> None:
    """The guest goes on until it does."""
    world = world_for("lpi", era)
    kicked = False
    late = 0

    def on_kick(fact: facts.Kicked) -> None:
        nonlocal kicked
        kicked = kicked or fact.ipi

    def on_guest(_fact: facts.Fact) -> None:
        nonlocal late
        late += kicked

    def on_exit(_fact: facts.Exited) -> None:
        nonlocal kicked
        kicked = False

    handlers: Handlers = {facts.Kicked: on_kick, facts.Exited: on_exit}
    handlers |= dict.fromkeys((facts.AckedByGuest, facts.Completed, facts.DeviceServed), on_guest)
    await silent(world, handlers)
    assert late


@pytest.mark.parametrize(("scenario", "intid"), [("spi-edge", 50), ("lpi", 8192)])
@both_eras
async def test_edges_coalesce(era: type[Kvm], scenario: str, intid: int) -> None:
    """What comes while the last one is still pending makes no second interrupt."""
    edges = acks = 0

    def on_edge(fact: facts.EdgeArrived) -> None:
        nonlocal edges
        edges += fact.intid == intid

    def on_ack(fact: facts.AckedByHost) -> None:
        nonlocal acks
        acks += fact.intid == intid

    world = world_for(scenario, era)
    await silent(world, {facts.EdgeArrived: on_edge, facts.AckedByHost: on_ack})
    assert edges > acks + 3
    assert acks > 50


@both_eras
async def test_the_timers_line_falls_between_the_signal_and_the_acknowledge(era: type[Kvm]) -> None:
    """The CPU takes an interrupt and finds nothing: IAR reads 1023."""
    spurious = 0

    def on_ack(fact: facts.AckedByHost) -> None:
        nonlocal spurious
        spurious += fact.intid == SPURIOUS

    await silent(world_for("silenced-early", era), {facts.AckedByHost: on_ack}, 200)
    assert spurious


async def test_a_maintenance_interrupt_is_taken_back_before_the_acknowledge() -> None:
    """The exit that it forced has saved the List Registers: it has no cause any more.

    In era v7.2 the CPU sees that in time, as interrupts are off until after the fold.
    """
    last: dict[int, tuple[int, bool]] = {}
    unseen = 0

    def on_line(fact: facts.LineChanged) -> None:
        if fact.pcpu >= 0:
            last[fact.pcpu] = (fact.intid, fact.level)

    def on_signal(fact: facts.Signalled) -> None:
        nonlocal unseen
        unseen += not fact.level and last.get(fact.pcpu) == (MAINTENANCE_PPI, False)

    handlers: Handlers = {
        facts.LineChanged: on_line,
        facts.Signalled: on_signal,
    }
    await silent(world_for("overflow", V7_2), handlers, 80)
    assert unseen


@both_eras
async def test_an_active_state_stays_behind_on_a_cpu_that_a_vcpu_left(era: type[Kvm]) -> None:
    """PPIs are banked: that CPU's bit is no concern of anyone until a VCPU is loaded there."""
    world = world_for("moves-away", era)
    stale = 0

    def on_halt(_fact: facts.Halted) -> None:
        nonlocal stale
        stale += any(loaded_on(world, c) < 0 and is_active(world, c) for c in range(2))

    await silent(world, {facts.Halted: on_halt})
    assert stale > 1


@both_eras
async def test_a_vcpu_is_woken_for_nothing(era: type[Kvm]) -> None:
    """The guest's priority mask holds the interrupt back. It sleeps again; until 4.15 the mask was
    not looked at, and the guest itself finds nothing and executes WFI again.
    """
    woken = False
    again = 0

    def on_wake(_fact: facts.Woken) -> None:
        nonlocal woken
        woken = True

    def on_sleep(_fact: facts.Blocked | facts.GuestWfi) -> None:
        nonlocal again, woken
        again += woken
        woken = False

    def on_ack(_fact: facts.AckedByGuest) -> None:
        nonlocal woken
        woken = False

    handlers: Handlers = {facts.Woken: on_wake, facts.AckedByGuest: on_ack}
    handlers |= {facts.Blocked: on_sleep, facts.GuestWfi: on_sleep}
    await silent(world_for("woken-for-nothing", era), handlers)
    assert again
