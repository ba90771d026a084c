"""A step costs hardly more on a large machine; building it and its memory stay within limits."""

from pathlib import Path

import pytest

from tests.bench.figures import judge, table
from tests.bench.plants import Squares
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


def test_growth_with_the_square_is_caught(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = list(measure_scaling(Squares(), "timer-wfi", tmp_path, rounds=3))
    with capsys.disabled():
        print(table(f"scaling, Squares: {Squares.__doc__}", figures))
    over = judge(figures)
    for beginning in ("building", "memory, ", "memory once it ran", "a step"):
        largest = [f.name for f in figures if f.name.startswith(beginning) and ", 32 to" in f.name]
        assert len(largest) == 1
        assert set(largest) <= set(over)
