"""Spin, and this explorer, on the same scenario: the same guest histories, and what each costs.

``uv run pytest -m oracle -s -n 0 tests/bench/test_spin.py`` prints the table; it needs Debian's
``spin`` and a C compiler.
"""

from pathlib import Path

import pytest

from tests.bench.spin.beside import Pan, explore, histories

pytestmark = pytest.mark.oracle


def test_guests_see_the_same(tmp_path: Path) -> None:
    expected = set(Pan(tmp_path, "-DNOREDUCE", history=True).histories())
    assert histories() == expected
    assert len(expected) > 4
    (reduced := tmp_path / "reduced").mkdir()
    assert set(Pan(reduced, history=True).histories()) == expected


def test_what_each_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (reduced := tmp_path / "reduced").mkdir()
    rows = [
        Pan(tmp_path, "-DNOREDUCE").looked("Spin"),
        Pan(reduced).looked("Spin, partial order reduction"),
        explore("explorer, no rules, nothing left out", rules=False, dead=False),
        explore("explorer, no rules", rules=False),
        explore("explorer, all rules", rules=True),
    ]
    with capsys.disabled():
        print(f"\n{'timer-wfi, v7.2, no preemption':36}   states    steps     CPU s     states/s")
        for row in rows:
            print(row.row)
    spin, ours = rows[0], rows[2]
    assert 0.5 < spin.states / ours.states < 2, "they have the same steps, or nearly"
