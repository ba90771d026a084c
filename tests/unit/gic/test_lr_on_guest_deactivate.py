"""What becomes of a HW List Register, and of the machine, when the guest deactivates."""

import pytest

from model.gic.gic import LR_MODES, Gic
from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE, Lr
from model.gic.registers import HCR_EN

PPI = 27


def machine(setting: str, eoimode: int = 0, version: int = 3) -> Gic:
    gic = Gic(version=version, cpus=1, spis=(40,), lr_on_guest_deactivate=setting)
    gic.write_hcr(0, HCR_EN)
    gic.set_veoimode(0, eoimode)
    return gic


def forward(gic: Gic, state: int = PENDING) -> None:
    gic.set_active(0, PPI, True)
    gic.write_lr(0, 0, Lr(PPI, state, hw=True, pintid=PPI, priority=0xA0))


def finish(gic: Gic, vintid: int = PPI) -> int:
    """Let the guest end its interrupt by whatever access deactivates in its EOImode."""
    sent = gic.veoir(0, vintid)
    return gic.vdir(0, vintid) if gic.save_vmcr(0).eoim else sent


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("eoimode", [0, 1])
@pytest.mark.parametrize(
    ("setting", "state"),
    [("arch", INACTIVE), ("polled", ACTIVE), ("quirk", INACTIVE), ("erratum", INACTIVE)],
)
def test_physically_active(setting: str, state: int, eoimode: int, version: int) -> None:
    gic = machine(setting, eoimode, version)
    forward(gic)
    assert gic.viar(0) == PPI
    assert finish(gic) == PPI
    gic.deactivate(0, PPI)
    assert gic.lr(0, 0).state == state
    assert not gic.is_active(0, PPI)
    assert (gic.vrpr(0), gic.cpuifs[0].wedged) == (0xFF, False)


@pytest.mark.parametrize(
    ("setting", "state"),
    [("arch", INACTIVE), ("polled", ACTIVE), ("quirk", ACTIVE), ("erratum", INACTIVE)],
)
def test_physically_inactive(setting: str, state: int) -> None:
    gic = machine(setting)
    forward(gic)
    gic.viar(0)
    gic.set_active(0, PPI, False)
    assert finish(gic) == PPI
    gic.deactivate(0, PPI)
    assert gic.lr(0, 0).state == state
    assert not gic.cpuifs[0].wedged, "nothing was pending"


@pytest.mark.parametrize(
    ("setting", "wedged"),
    [("arch", False), ("polled", False), ("quirk", False), ("erratum", True)],
)
def test_physically_pending(setting: str, wedged: bool) -> None:
    gic = machine(setting)
    forward(gic)
    gic.viar(0)
    gic.set_line(0, PPI, True)
    gic.set_active(0, PPI, False)
    gic.deactivate(0, finish(gic))
    assert gic.cpuifs[0].wedged is wedged
    assert gic.irq_signal(0) is not wedged
    gic.set_pending(0, 16, True)
    assert gic.irq_signal(0) is not wedged


def test_erratum_needs_the_highest_priority_pending_interrupt() -> None:
    gic = machine("erratum")
    forward(gic)
    gic.viar(0)
    gic.set_line(0, PPI, True)
    gic.set_active(0, PPI, False)
    gic.set_priority(0, 16, 0x40)
    gic.set_pending(0, 16, True)
    gic.deactivate(0, finish(gic))
    assert not gic.cpuifs[0].wedged


@pytest.mark.parametrize("eoimode", [0, 1])
def test_erratum_is_met_by_the_hosts_dir_and_eoir_as_well(eoimode: int) -> None:
    """Of an interrupt that is pending, first, and not active; and not when it is active."""
    for active in (False, True):
        gic = machine("erratum")
        gic.set_eoimode(0, eoimode)
        gic.set_line(0, PPI, True)
        gic.iar(0)
        if not active:
            gic.set_active(0, PPI, False)
        gic.eoir(0, PPI)
        gic.dir(0, PPI)
        assert gic.cpuifs[0].wedged is not active


def test_erratum_is_not_met_by_a_dir_of_what_is_not_pending() -> None:
    gic = machine("erratum")
    gic.dir(0, PPI)
    gic.set_line(0, PPI, True)
    assert gic.irq_signal(0)


@pytest.mark.parametrize(
    ("setting", "state"),
    [("arch", PENDING), ("polled", PENDING_ACTIVE), ("quirk", PENDING), ("erratum", PENDING)],
)
def test_pending_and_active(setting: str, state: int) -> None:
    gic = machine(setting)
    forward(gic)
    gic.viar(0)
    forward(gic, PENDING_ACTIVE)
    assert finish(gic) == PPI
    assert gic.lr(0, 0).state == state


@pytest.mark.parametrize("eoimode", [0, 1])
@pytest.mark.parametrize("setting", LR_MODES)
def test_software_list_registers_are_the_same_in_all_settings(setting: str, eoimode: int) -> None:
    gic = machine(setting, eoimode)
    gic.write_lr(0, 0, Lr(40, PENDING, priority=0xA0))
    assert gic.viar(0) == 40
    assert finish(gic, 40) == -1
    assert (gic.lr(0, 0).state, gic.eoicount(0)) == (INACTIVE, 0)
    gic.restore_apr(0, (0, 1 << 20))
    assert finish(gic, 41) == -1
    assert gic.eoicount(0) == 1
