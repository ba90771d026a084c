"""The four ways a HW List Register may end, and where a guest cannot tell them apart.

It cannot as long as (a) the central invariant holds, (b) nothing but the guest's deactivation
changes the physical active bit before the fold that follows it, (c) that deactivation has arrived
when the fold looks, (d) the guest deactivates once, (e) no progress waits for an empty register.
The timer keeps all five. What comes of each that is broken is in ``test_lr_modes_differ.py``.
"""

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.scenarios.schema import builtin_names
from model import facts
from model.machine import LR_MODES
from tests.race.lr_modes import histories, in_all_modes, looking
from tests.race.polling import why_polling_differs
from tests.race.running import clean_names, outcomes, world_of

PRIVATE = ["timer-wfi", "timer-busy", "migrate", "save", "lpi", "timer-phys"]
"""Timers, SGIs and LPIs only. A reset or a save finds the VCPUs out of their guests, all folded."""
OWN_CPU = ["spi-level-own-cpu", "spi-edge-own-cpu", "reset-own-cpu"]


async def all_the_same(
    scenario: str, kvm: type[Kvm], messages: str, modes: tuple[str, ...]
) -> None:
    """Check that the guests of 15 schedules see the same under each of these settings."""
    worlds = in_all_modes(scenario, kvm, messages)
    worlds = {mode: worlds[mode] for mode in modes}
    seen = 0
    for i in range(7):
        found = await histories(worlds, i)
        arch = found["arch"]
        seen += len(arch.seen)
        for other in found.values():
            assert other.broken() == set()
            assert other.seen == arch.seen
            assert other.outcome.choices == arch.outcome.choices
    assert seen


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("scenario", PRIVATE)
async def test_a_guest_cannot_tell_the_four_apart(scenario: str, era: type[Kvm]) -> None:
    await all_the_same(scenario, era, "synchronous", LR_MODES)


@pytest.mark.parametrize("scenario", OWN_CPU)
async def test_nor_with_a_device_that_its_own_cpu_acknowledges(scenario: str) -> None:
    """In era v7.2, whose fold comes before the host can acknowledge the device again.

    In era v4.14 the host's interrupts are on by then: condition (b) fails, whatever the CPU.
    """
    await all_the_same(scenario, V7_2, "synchronous", LR_MODES)


@pytest.mark.parametrize("scenario", ["spi-level", "spi-edge"])
async def test_nor_where_the_deactivation_of_devices_traps(scenario: str) -> None:
    """In EOImode 1 a device's DIR traps today: KVM itself ends the interrupt and polls nothing."""
    worlds = in_all_modes(scenario, V7_2, "synchronous", knobs=(("eoimode", "1"),))
    for i in range(10):
        found = await histories(worlds, i)
        assert all(x.seen == found["arch"].seen and not x.broken() for x in found.values())
        assert 80 in found["arch"].acked() or not worlds["arch"].machine.forwards[0].raised


@pytest.mark.parametrize("era", [V4_14, V7_2])
@pytest.mark.parametrize("scenario", PRIVATE)
async def test_nor_with_messages_on_their_way(scenario: str, era: type[Kvm]) -> None:
    """With queued messages, once all settings deliver in the fold what polling delivers there.

    ``quirk`` delivers deactivations in the guest's EOIR as well. That is a choice less whenever
    the guest ends another interrupt in the same stay, as with the SGIs of ``save``; there it is
    left to synchronous messages.
    """
    modes = tuple(mode for mode in LR_MODES if mode != "quirk" or scenario != "save")
    await all_the_same(scenario, looking(era), "queued", modes)


async def test_nor_with_messages_of_a_device_on_their_way() -> None:
    for scenario in OWN_CPU:
        await all_the_same(scenario, looking(V7_2), "queued", ("arch", "polled", "erratum"))


async def test_what_the_guests_read_of_the_distributor_is_among_it() -> None:
    world = in_all_modes("spi-level-own-cpu", V7_2, "synchronous")
    reads = {
        fact.register
        for i in range(40)
        for fact, _ in (await histories(world, i))["polled"].seen
        if isinstance(fact, facts.RegisterRead)
    }
    assert reads == {"isactiver", "ispendr"}


@pytest.mark.parametrize("mode", ["arch", "quirk", "erratum"])
@pytest.mark.parametrize(
    ("scenario", "era"),
    [
        *(pytest.param(name, V4_14, marks=pytest.mark.long) for name in clean_names("v4.14")),
        *((name, V7_2) for name in clean_names("v7.2")),
    ],
)
async def test_correct_kvm_is_clean(scenario: str, era: type[Kvm], mode: str) -> None:
    world = world_of(scenario, era, (("lr_on_guest_deactivate", mode),))
    async for outcome in outcomes(world, 8, audited=1):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.long
@pytest.mark.parametrize("era", [V4_14, V7_2])
async def test_where_polling_is_the_same_it_is_clean(era: type[Kvm]) -> None:
    same = []
    for scenario in builtin_names():
        world = world_of(scenario, era, (("lr_on_guest_deactivate", "polled"),))
        if why_polling_differs(world.scenario, world.config, era.era):
            continue
        same.append(scenario)
        async for outcome in outcomes(world, 12, audited=2):
            assert (outcome.violations, outcome.bound) == ([], "")
    # Those that are named have devices of software, LPIs, or none.
    assert set(same) == {*PRIVATE, "cleared", "leaving", "senders"}


@pytest.mark.parametrize(
    ("scenario", "era", "knobs", "reason"),
    [
        ("spi-level", V7_2, (), "(b) a VCPU may be moved"),
        ("spi-edge", V7_2, (("preemptions", "0"),), "(b) the host acknowledges INTID 50 on CPU 1"),
        ("spi-edge", V4_14, (), "(b) era v4.14 folds with interrupts on"),
        ("spi-edge", V4_14, (("eoimode", "1"),), ""),
        ("overflow-dir", V7_2, (), "(e) more interrupts than List Registers"),
        ("smp-mix", V7_2, (), "(e) more interrupts than List Registers"),
        ("timer-wfi", V7_2, (("gic_messages", "lagging"),), "(c) gic_messages=lagging"),
        ("lpi", V7_2, (("gic_messages", "lagging"),), ""),
        ("tests/race/scenarios/deactivate-twice.toml", V7_2, (), "(d) the guest deactivates"),
        ("tests/race/scenarios/spi-edge-own-cpu.toml", V7_2, (), ""),
    ],
)
def test_why_polling_differs(
    scenario: str, era: type[Kvm], knobs: tuple[tuple[str, str], ...], reason: str
) -> None:
    world = world_of(scenario, era, knobs)
    found = why_polling_differs(world.scenario, world.config, era.era)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)
