"""Memoised steps give a campaign what they are used for: where they are, half as much again."""

import pytest

from harness.campaign.recalled import LEAST_SCHEDULES
from harness.variants import ERAS
from tests.walks_table import measure

LEAST, SLACK = 1.5, 1.1


@pytest.mark.bench
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("scenario", ["timer-wfi", "timer-busy"])
def test_from_so_many_schedules_on(scenario: str, era: str) -> None:
    """CPU time on the direct engine over that with memoised steps, the start included."""
    mine = measure(scenario, era, (LEAST_SCHEDULES,))
    print(f"{scenario}, {era}: {mine.ratios[LEAST_SCHEDULES]:.2f} times as fast")
    assert mine.ratios[LEAST_SCHEDULES] * SLACK >= LEAST
