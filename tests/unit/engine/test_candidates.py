"""The candidates of each set of tasks that may go: in task order, and only so many are kept."""

import pytest

from harness.engine import slot
from harness.engine.slot import Candidates, Slot
from model.identity import Actor


async def nothing(task: Slot) -> None:
    """Make no step."""


def test_candidates_are_in_task_order_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot, "CANDIDATES_MAX", 4)
    tasks = tuple(Slot(f"t{i}", Actor("clock"), nothing) for i in range(4))
    candidates = Candidates(tasks)
    for enabled in range(16):
        assert candidates[enabled] == tuple(t for i, t in enumerate(tasks) if enabled >> i & 1)
        assert len(candidates) <= 4
    assert candidates[15] is candidates[15]
