"""F3 at its smallest: two VCPUs on two CPUs, one SPI, and one write of ISACTIVER.

The SPI is for VCPU 0; VCPU 1 makes it active. As shipped, with both modes moved, and with the
requests looked at again before the flush. Only I8 is asked: to make an interrupt active that is
forwarded breaks others by itself. By default what is in flight goes first, which F3 does not hang
on, and no order of steps is left out; the table of the explorer's README has it in any order.
"""

import pytest

from harness.search.case import Case
from harness.search.explore.explore import explore
from harness.search.explore.explored import Explored
from harness.verdict import PROVED, VIOLATED
from tests.explore_table import MODES_MOVED, RECHECKED, SMALLEST_F3

IN_ORDER = (("gic_messages", "synchronous"),)


def look(variant: str) -> Explored:
    """Look at every interleaving."""
    return explore(Case(SMALLEST_F3, variant, rules=("I8",), knobs=IN_ORDER))


def overwritten(explored: Explored, steps: int) -> None:
    """Hold that the write is lost, in so many steps; it is no livelock, and nothing else."""
    failure = explored.failure
    assert explored.verdict == VIOLATED
    assert failure is not None
    assert failure.shortest
    assert failure.steps == steps
    assert [violation.rule for violation in failure.violations] == ["I8"]


def test_as_shipped_it_is_violated() -> None:
    overwritten(look("v7.2+F3"), 74)


def test_with_both_modes_moved_a_third_window_is_left() -> None:
    overwritten(look(MODES_MOVED), 75)


@pytest.mark.long
def test_with_the_requests_looked_at_again_it_is_proved() -> None:
    assert look(RECHECKED).verdict == PROVED
