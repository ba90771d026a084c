"""A VHE host: guests have the physical timer in hardware, its interrupt mapped as well (T19).

get_timer_map of 7.2 gives direct_vtimer and direct_ptimer; both PPIs have one handler of the host,
both are loaded and put, and a GICv3's List Registers are written by the kernel.
"""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.kvm.v7_2 import V7_2
from harness.spec import RunSpec
from model import facts
from model.identity import BG_TIMER
from model.timer import PTIMER_PPI, VTIMER_PPI
from tests.race.running import outcomes, world_of

VHE = (("host", "vhe"),)
HERE = Path(__file__).parent / "scenarios"
MASKED, SAVE = str(HERE / "ptimer-masked.toml"), str(HERE / "phys-save.toml")


@pytest.mark.parametrize("scenario", ["timer-phys", "registers", MASKED, SAVE])
async def test_the_era_is_clean_and_every_footprint_holds(scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, V7_2, VHE), 5, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize("knob", [("gic_version", "2"), ("eoimode", "1"), ("posted_writes", "1")])
async def test_it_goes_with_other_knobs(knob: tuple[str, str]) -> None:
    async for outcome in outcomes(world_of("timer-phys", V7_2, (*VHE, knob)), 3, audited=1):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_no_access_traps_nothing_is_emulated_and_both_interrupts_are_linked() -> None:
    world = world_of("timer-phys", V7_2, VHE)
    exits: set[str] = set()
    armed: set[int] = set()
    linked: set[tuple[int, int]] = set()
    handled: set[int] = set()

    def on_written(f: facts.LrWritten) -> None:
        if f.after.state:
            linked.add((f.after.vintid, f.after.pintid if f.after.hw else -1))

    world.subscribe({
        facts.Exited: lambda f: exits.add(f.reason),
        facts.Armed: lambda f: armed.add(f.timer),
        facts.LrWritten: on_written,
        facts.IsrEnded: lambda f: handled.add(f.intid),
    })  # fmt: skip
    for _ in outcomes(world, 12, audited=0):
        pass
    assert "wfi" in exits
    assert "timer" not in exits
    assert armed == {BG_TIMER}
    assert linked == {(VTIMER_PPI, VTIMER_PPI), (PTIMER_PPI, PTIMER_PPI)}
    assert handled >= {VTIMER_PPI, PTIMER_PPI}


def test_registers_of_the_physical_timer_are_read_in_hardware() -> None:
    world = world_of("registers", V7_2, VHE)
    read: set[str] = set()
    world.subscribe({facts.GuestRead: lambda f: read.add(f.register)})
    for _ in outcomes(world, 4, audited=0):
        pass
    assert {"cntp_ctl", "cntp_cval", "cntp_tval"} <= read


def test_4_14_has_no_such_timer() -> None:
    with pytest.raises(UsageError, match=r"host='vhe': variant 'v4.14' is of era v4.14"):
        RunSpec.make("timer-phys", "v4.14", knobs={"host": "vhe"})
