"""The product keeps its budgets; the same judgement catches five planted slow-downs and leaks.

``uv run pytest -m bench -s -n 0`` prints the tables. No verdict hangs on the wall clock: times are
CPU times, and but for one of ``--help`` they are judged as ratios measured in turn.
"""

import pytest

from tests.bench.figures import (
    Group,
    choices,
    direct,
    guards,
    help_text,
    judge,
    measure,
    memory,
    recording,
    table,
)
from tests.bench.plants import Asks, Formats, Leaks, SlowImport, SlowRecorder
from tests.bench.product import Product

pytestmark = pytest.mark.bench


def test_the_product_keeps_its_budgets(capsys: pytest.CaptureFixture[str]) -> None:
    figures = measure(Product())
    with capsys.disabled():
        print(table("clean", figures))
    assert judge(figures) == []


PLANTS: list[tuple[type[Product], str, dict[Group, str]]] = [
    (Formats, "migrate", {direct: "direct / bare", choices: "recording choices"}),
    (Leaks, "timer-wfi", {memory: "bytes kept per execution"}),
    (Asks, "migrate", {guards: "guards asked per step", direct: "direct / bare"}),
    (SlowRecorder, "timer-wfi", {recording: "recorded / plain step"}),
    (SlowImport, "timer-wfi", {help_text: "--help / import click"}),
]
"""Plants, where they are measured, and per group how the figures begin that must be over."""


@pytest.mark.parametrize(
    ("plant", "scenario", "caught"), PLANTS, ids=[plant.__name__ for plant, _, _ in PLANTS]
)
def test_a_plant_is_caught(
    plant: type[Product],
    scenario: str,
    caught: dict[Group, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = measure(plant(), tuple(caught), (scenario,), rounds=3)
    with capsys.disabled():
        print(table(f"{plant.__name__}: {(plant.__doc__ or '').strip()}", figures))
    over = judge(figures)
    for beginning in caught.values():
        expected = [figure.name for figure in figures if figure.name.startswith(beginning)]
        assert expected
        assert [name for name in over if name in expected] == expected
