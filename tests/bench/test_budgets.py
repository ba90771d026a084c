"""The budgets of the design, printed; ratios are judged with room for a noisy machine."""

import pytest

from tests.bench.budgets import measure

pytestmark = pytest.mark.bench


def test_budgets(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure()
    with capsys.disabled():
        print()
        for name, value in figures.items():
            print(f"  {name:48} {value:12,.2f}")
    assert figures["trio / (direct + hand-offs x bare hand-off)"] < 2.0
    assert figures["recording, share of a direct step"] < 0.05
    assert figures["memory growth over 1,500 executions, KiB"] < 512
    assert figures["direct / bare direct"] < 25
