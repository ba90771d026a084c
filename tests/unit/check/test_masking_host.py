"""A host may hold an interrupt back by its enable bit, and needs no active state for that."""

import pytest

from model import facts
from model.check.checker import Checker
from model.check.setting import Setting
from model.gic.lr import EMPTY, PENDING, Lr
from model.timer import VTIMER_PPI

SHOWN = Lr(vintid=VTIMER_PPI, state=PENDING, hw=True, pintid=VTIMER_PPI)


@pytest.mark.parametrize("masked", [False, True])
def test_an_interrupt_that_the_host_has_disabled_need_not_be_active(masked: bool) -> None:
    checker = Checker(Setting(), "v7.2", only=frozenset({"R12", "R15", "R23", "I1"}))
    checker.subscribe()
    checker.reset()
    for fact in (
        facts.Placed(vcpu=0, before=-1, pcpu=0),
        facts.Loaded(0, 0),
        facts.HostMasked(VTIMER_PPI, masked),
        facts.LrWritten(0, 0, EMPTY, SHOWN),
        facts.Entered(0, 0),
    ):
        checker.emit(fact)
    broken = {violation.rule for violation in checker.violations}
    assert broken == (set() if masked else {"R12", "R15", "R23", "I1"})
