"""A step costs hardly more on a large machine; building it and its memory stay within limits."""

from pathlib import Path

import pytest

from tests.bench.figures import judge, table
from tests.bench.product import Product
from tests.bench.scaling import measure_scaling

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("kind", ["timer-wfi", "pairs"])
def test_a_large_machine_costs_in_proportion(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = list(measure_scaling(Product(), kind, tmp_path))
    if judge(figures):  # as any figure over its limit: once more, with twice the rounds
        figures = list(measure_scaling(Product(), kind, tmp_path, rounds=10))
    with capsys.disabled():
        print(table(f"scaling: {kind}", figures))
    assert judge(figures) == []
