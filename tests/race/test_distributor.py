"""The emulated distributor, as a guest sees it; SGIs; what the VM monitor does."""

from pathlib import Path

import pytest

from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.facts import Fact
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
ERAS = [V4_14, V7_2]


async def histories(
    scenario: str, era: type[Kvm], schedules: int, *kinds: type[Fact], **knobs: str
) -> list[list[Fact]]:
    """The facts of these kinds in each of so many executions, all of them clean."""
    world = world_of(scenario, era, tuple(knobs.items()))
    seen: list[Fact] = []
    world.subscribe(dict.fromkeys(kinds, seen.append))
    found = []
    async for outcome in outcomes(world, schedules, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")
        found.append(list(seen))
        seen.clear()
    return found


@pytest.mark.parametrize("era", ERAS)
async def test_set_clear_activate_deactivate_disable(era: type[Kvm]) -> None:
    scenario = str(HERE / "distributor.toml")
    kinds = (facts.RegisterRead, facts.AckedByGuest)
    for history in await histories(scenario, era, 40, *kinds):
        short = [
            (f.register[2:5], f.value) if isinstance(f, facts.RegisterRead) else f.vintid
            for f in history
            if isinstance(f, facts.RegisterRead | facts.AckedByGuest)
        ]
        assert short == [
            ("pen", True),
            ("pen", False),
            ("act", True),
            80,
            ("act", False),
            ("act", False),
            ("pen", True),
            80,
        ]


@pytest.mark.parametrize("era", ERAS)
async def test_the_registers_of_forwarded_interrupts(era: type[Kvm]) -> None:
    """A mapped level is pending as long as its device insists, whatever is written (R16).

    4.14 reads what the last fold left, and nothing makes an exit while one is handled here.
    """
    scenario = str(HERE / "device-registers.toml")
    values: set[tuple[int, str, int]] = set()
    for history in await histories(scenario, era, 300, facts.RegisterRead):
        for f in history:
            assert isinstance(f, facts.RegisterRead)
            values.add((f.vintid, f.register, f.value))
    pending = {(v, "ispendr", b) for v in (80, 81) for b in (1, 0)}
    seen = (1, 0) if era is V7_2 else (0,)
    assert values == pending | {(v, "isactiver", b) for v in (80, 81) for b in seen}


@pytest.mark.parametrize("era", ERAS)
async def test_nobody_is_in_a_guest_while_the_guests_are_halted(era: type[Kvm]) -> None:
    kinds = (facts.Halting, facts.Resumed, facts.Entered)
    halts = 0
    for history in await histories("smp-mix", era, 30, *kinds):
        halted: list[int] = []
        for f in history:
            if isinstance(f, facts.Halting):
                halted = list(range(4)) if f.halted else []
                halts += f.halted
            elif isinstance(f, facts.Resumed):
                halted.remove(f.resumed)
            elif isinstance(f, facts.Entered):
                assert f.vcpu not in halted
    assert halts


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize("era", ERAS)
async def test_sgis_of_two_vcpus(era: type[Kvm], version: str) -> None:
    """GICv2 delivers one for each source; GICv3 may merge them, and delivers at least one.

    With messages that take no time, so that the second source's exit does not come too late.
    """
    scenario = str(HERE / "two-senders.toml")
    counts: set[int] = set()
    knobs = {"gic_version": version, "gic_messages": "synchronous"}
    for history in await histories(scenario, era, 100, facts.AckedByGuest, **knobs):
        acked = [f.vintid for f in history if isinstance(f, facts.AckedByGuest)]
        counts.add(acked.count(3))
    assert counts == ({2} if version == "2" else {1, 2})


@pytest.mark.parametrize("era", ERAS)
async def test_a_reset_guest_starts_anew_and_gets_its_interrupts(era: type[Kvm]) -> None:
    resets = acked = 0
    for history in await histories("reset", era, 60, facts.VmReset, facts.AckedByGuest):
        after = False
        for f in history:
            after = after or isinstance(f, facts.VmReset)
            resets += isinstance(f, facts.VmReset)
            acked += after and isinstance(f, facts.AckedByGuest) and f.vintid == 27
    assert resets
    assert acked


@pytest.mark.parametrize("era", ERAS)
async def test_a_restored_timer_fires_once(era: type[Kvm]) -> None:
    restored = 0
    for history in await histories("save", era, 60, facts.VmRestored, facts.AckedByGuest):
        acked = [f.vintid for f in history if isinstance(f, facts.AckedByGuest)]
        assert acked.count(27) == 3
        restored += any(isinstance(f, facts.VmRestored) for f in history)
    assert restored
