"""A write of another interrupt's active state tells nothing of the timer's."""

import pytest

from model import facts
from model.check.checker import Checker
from model.check.setting import Setting
from model.facts import Fact
from model.gic.lr import EMPTY, PENDING, Lr
from model.timer import VTIMER_PPI

SPI = 50
TAKEN = facts.AckedByHost(0, VTIMER_PPI)
RAISED = facts.LineChanged(0, VTIMER_PPI, True)
LOADED = (facts.Placed(vcpu=0, before=-1, pcpu=0), facts.Loaded(0, 0))
SHOWN = Lr(vintid=VTIMER_PPI, state=PENDING, hw=True, pintid=VTIMER_PPI)
FOUND_ACTIVE = facts.ActiveChanged(0, VTIMER_PPI, True, "ack")

CASES: list[tuple[str, str, tuple[Fact, ...], tuple[Fact, ...], bool]] = [
    # Rule, era, what comes before the write and after it, and whether a write of the timer's breaks
    # the rule; one of the SPI's does the opposite.
    ("R12", "v7.2", (*LOADED, facts.LrWritten(0, 0, EMPTY, SHOWN)), (facts.Entered(0, 0),), False),
    ("R18", "v7.2", (RAISED, TAKEN), (TAKEN,), False),
    ("R29", "v4.14", (*LOADED,), (facts.Entered(0, 0),), False),
    ("I2", "v7.2", (FOUND_ACTIVE,), (facts.Loaded(0, 0),), True),
]


@pytest.mark.parametrize(("rule", "era", "before", "after", "breaks"), CASES)
@pytest.mark.parametrize("intid", [VTIMER_PPI, SPI])
def test_it_is_not_taken_for_the_timers(
    rule: str,
    era: str,
    before: tuple[Fact, ...],
    after: tuple[Fact, ...],
    breaks: bool,
    intid: int,
) -> None:
    checker = Checker(Setting(), era, only=frozenset({rule}))
    checker.subscribe()
    checker.reset()
    for fact in (*before, facts.PhysActiveWritten(0, 0, intid, True), *after):
        checker.emit(fact)
    broken = [violation.rule for violation in checker.violations]
    assert broken == ([rule] if breaks is (intid == VTIMER_PPI) else [])
