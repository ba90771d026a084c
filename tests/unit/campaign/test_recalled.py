"""Where a campaign runs schedules over memoised steps, and that nothing else comes of it."""

import threading
import time
from typing import Any

import msgspec
import pytest

from harness.campaign import recalled
from harness.campaign.batches import Batch
from harness.campaign.plan import Plan, Shard
from harness.campaign.recalled import LEAST_SCHEDULES, walks_for
from harness.campaign.workers import Worker
from harness.spec import RunSpec


def plan(scenario: str = "timer-wfi", variant: str = "v7.2", **fields: Any) -> Plan:
    made = {key: fields.pop(key) for key in ("rules", "knobs") if key in fields}
    spec = RunSpec.make(scenario, variant, **made)
    long = Plan(specs=(spec,), seed=1, schedules=LEAST_SCHEDULES, engine="direct")
    return msgspec.structs.replace(long, **fields)


def test_it_does_where_one_guest_has_one_timer_and_time_enough() -> None:
    assert walks_for(plan(), 0) is not None
    assert walks_for(plan("timer-busy", "v4.14+57", strategy="random"), 0) is not None
    late = time.monotonic() + 1_000
    assert walks_for(plan(schedules=None, deadline=late), 0) is not None


@pytest.mark.parametrize(
    "other",
    [
        plan(schedules=LEAST_SCHEDULES - 1),
        plan(jobs=2),
        plan(shard=Shard(1, 2)),
        plan(schedules=None, deadline=0.0),
        plan(engine="trio"),
        plan(strategy="round-robin"),
        plan("spi-level"),
        plan("timer-phys"),
        plan("save"),
        plan("migrate"),
        plan(knobs={"gic_messages": "synchronous"}),
        plan(variant="tests/race/explore/f03_variants.py:Rechecked"),
    ],
    ids=str,
)
def test_nowhere_else(other: Plan) -> None:
    assert walks_for(other, 0) is None


def results(run: Plan, batches: list[Batch]) -> tuple[list[dict[str, Any]], bool]:
    """Return what batches come to, without times, and whether steps were looked up to the end."""
    worker = Worker(run, threading.Event())
    found = [msgspec.structs.asdict(worker.run(batch)) for batch in batches]
    for each in found:
        assert each["crash"] is None
        del each["seconds"], each["worker"]
    return found, worker.sites[0].walks is not None


@pytest.mark.parametrize(
    ("variant", "schedules", "keeps"),
    [
        ("v4.14+23", 12, True),
        pytest.param("v7.2", 1_000, True, marks=pytest.mark.long),
        pytest.param("v7.2+14", 4_000, True, marks=pytest.mark.long),
        pytest.param("v4.14+23", 400, False, marks=pytest.mark.long),
    ],
)
def test_what_comes_of_it_is_the_same(
    variant: str, schedules: int, keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps, states reached, figures of pct, and what failed, with its schedules."""
    batches = [Batch(0, 0, 4), Batch(0, 4, schedules, 1, 60)]
    run = plan(variant=variant, keep_going=True)
    mine, kept = results(run, batches)
    assert kept == keeps
    monkeypatch.setattr(recalled, "LEAST_SCHEDULES", 10 * LEAST_SCHEDULES)
    assert results(run, batches) == (mine, False)
    assert sum(each["done"] for each in mine) == 4 + schedules
    assert any(each["findings"] for each in mine) == ("+" in variant)
