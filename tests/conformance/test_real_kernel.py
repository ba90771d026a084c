"""Scenarios on Debian's kernels under QEMU, unsteered: what is clean, and findings with controls.

Needs what ``vgic-race kernel doctor`` asks for, and Debian's archive or kernels that were fetched.
"""

import functools
from pathlib import Path

import pytest

from harness.kernel import image, run
from harness.kernel.boot import boot
from harness.kernel.emulator import Hardware
from harness.kernel.run import Options, Ran, run_scenario
from harness.kernel.toolchain import build_execution
from harness.scenarios.schema import load_builtin, load_file

pytestmark = pytest.mark.kernel
thorough = pytest.mark.thorough

RACE = Path(__file__).parents[1] / "race" / "scenarios"
REAL = Path(__file__).parent / "real"
GUESTS = Path(run.__file__).parent / "guests"
NEWEST = "7.2"


@functools.cache
def ran(name: str, kernel: str = NEWEST, **options: object) -> Ran:
    path = next((each for each in (RACE / name, REAL / name) if each.exists()), None)
    scenario = load_builtin(name) if path is None else load_file(path)
    given = Options(**{"executions": 100, "seconds": 40, "software": True, **options})  # type: ignore[arg-type]
    return run_scenario(scenario, image.choose(kernel), given)


def rules(found: Ran) -> set[str]:
    return {each.violation.rule for each in found.found}


@pytest.mark.parametrize("kernel", ["6.1", "6.12", NEWEST])
def test_clean_on_every_kernel(kernel: str) -> None:
    found = ran("timer-wfi", kernel)
    assert (found.executions >= 100, found.bad, rules(found)) == (True, 0, set())


@thorough
@pytest.mark.parametrize(
    ("name", "options"),
    [("timer-phys", {}), ("timer-phys", {"vhe": True}), ("migrate", {}), ("registers", {}),
     ("spi-soft-edge", {}), ("spi-soft-level", {}), ("retarget", {}), ("reset", {}), ("save", {}),
     ("timer-wfi", {"gic": 2}), ("timer-busy", {"gic": 2})],
)  # fmt: skip
def test_clean_on_the_newest(name: str, options: dict[str, object]) -> None:
    found = ran(name, **{"executions": 60, **options})
    assert found.executions > 10
    assert (found.bad, rules(found), found.wrong, found.stuck) == (0, set(), [], [])
    assert {"G1", "G3", "G4", "I7"} <= set(found.checked)


@thorough
def test_f8_and_its_control() -> None:
    """A DIR that trapped wakes nobody: LATE, and the interrupt is pending and not active."""
    found = ran("dir-wakes-nobody.toml")
    assert found.stuck
    assert all(each.late for each in found.stuck)
    assert ran("dir-once.toml").bad == 0


@thorough
@pytest.mark.parametrize("kernel", ["6.12", NEWEST])
def test_f12_and_its_control(kernel: str) -> None:
    """An idle guest whose due timer is not let through: its thread is woken without end."""
    found = ran("idle-and-due.toml", kernel, executions=1)
    assert [each.woken for each in found.symptoms] == [True]
    found = ran("idle-not-due.toml", kernel, executions=1)
    assert [each.woken for each in found.symptoms] == [False]


@thorough
@pytest.mark.parametrize("kernel", ["6.12", NEWEST])
def test_f13_and_its_control(kernel: str, tmp_path: Path) -> None:
    """The same of a VCPU that is powered off with its timer due."""
    guest = tmp_path / "guest.bin"
    guest.write_bytes(build_execution(GUESTS / "f13.c").code)
    found = Ran(image.choose(kernel), "f13")
    with boot(found.kernel.path, Hardware()) as machine:
        for argument in (0, 1):
            words = {"guest": guest, "vcpus": 2, "pin": "0,1", "argument": argument}
            run.take(machine.run(words, 60).lines, found)
    assert [each.woken for each in found.symptoms] == [False, True, False, False]


@thorough
def test_f14_and_its_control() -> None:
    """A level completed within one stay is presented again; in 6.12 each end is notified."""
    found = ran("spi-resample", executions=10)
    assert found.bad
    assert rules(found) == {"G3"}
    before = ran("spi-resample", "6.12")
    assert (before.bad, rules(before)) == (0, set())


@thorough
@pytest.mark.parametrize("kernel", ["6.12", NEWEST])
def test_f29_and_its_control(kernel: str) -> None:
    """What became pending while the distributor was off is on no list: it does not come."""
    assert not any(each.late for each in ran("due-while-off.toml", kernel, executions=1).stuck)
    assert ran("due-while-off.toml", kernel, executions=1).stuck
    assert ran("idle-while-off.toml", kernel, executions=30).bad == 0


@thorough
def test_exhibit_45_is_in_6_12_and_not_in_7_2() -> None:
    """A DIR of another VCPU's interrupt is lost: LOST; in 7.2 it traps (and then F8: LATE)."""
    assert any(not each.late for each in ran("dir-wakes-nobody.toml", "6.12").stuck)
    assert all(each.late for each in ran("dir-wakes-nobody.toml").stuck)
