"""Many failures are sorted, and told as the few bugs that they are."""

from functools import cache

import msgspec
import pytest

from harness.campaign import buckets as module
from harness.campaign.batches import Finding
from harness.campaign.buckets import SHORTEST, Groups, buckets_of
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk

VARIANT = "v7.2+1+30"


@cache
def findings(scenario: str, seeds: int) -> tuple[RunSpec, tuple[Finding, ...]]:
    """What random walks find in a scenario with two bugs at once."""
    spec = RunSpec.make(scenario, VARIANT)
    world = spec.build(DirectEngine.task_class)
    found = []
    for seed in range(seeds):
        outcome = DirectEngine().execute(Execution(world, RandomWalk(seed)))
        assert outcome is not None
        if outcome.violations:
            schedule = str(spec.schedule(outcome))
            found.append(Finding(seed, schedule, outcome.steps, tuple(outcome.violations)))
    return spec, tuple(found)


def sorted_in(*scenarios: str) -> Groups:
    groups = Groups()
    for scenario in scenarios:
        spec, found = findings(scenario, 120)
        for finding in found:
            groups.add(spec, finding)
    return groups


def test_two_bugs_are_two_buckets() -> None:
    groups = sorted_in("spi-edge", "spi-level")
    found = buckets_of(groups, steps=0)
    total = sum(group.count for group in groups)
    assert len(found) == 2
    assert sum(bucket.count for bucket in found) == total
    assert all(bucket.exact for bucket in found)
    causes = {b.explanation.cause.op for b in found if b.explanation and b.explanation.cause}
    assert causes == {"phys_active", "recheck_requests"}
    assert [b.count for b in found] == sorted((b.count for b in found), reverse=True)
    for bucket in found:
        assert sum(bucket.alarms.values()) == sum(bucket.scenarios.values()) == bucket.count
        told = bucket.as_dict()
        assert told["count"] == bucket.count
        assert msgspec.json.encode(told)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, found = findings("spi-level", 120)
    groups = Groups()
    for n in range(50):
        for finding in found:
            groups.add(spec, msgspec.structs.replace(finding, steps=finding.steps + n))
    assert sum(group.count for group in groups) == 50 * len(found)
    for group in groups:
        lengths = [story.finding.steps for story in group.shortest]
        assert len(lengths) <= SHORTEST
        assert lengths == sorted(lengths)
    shortest = min(f.steps for f in found)
    assert min(g.shortest[0].finding.steps for g in groups) == shortest
    monkeypatch.setattr(module, "GROUPS_MAX", 1)
    crowded = Groups()
    for number, finding in enumerate(found):
        first = msgspec.structs.replace(finding.violations[0], alarm=f"alarm-{number % 5}")
        crowded.add(spec, msgspec.structs.replace(finding, violations=(first,)))
    assert sum(group.count for group in crowded) == len(found)
    assert len(list(crowded)) == 2  # the first kind, and all others


def test_entries_are_added_up_in_their_order() -> None:
    one, two, both = (
        sorted_in("spi-edge"),
        sorted_in("spi-level"),
        sorted_in("spi-edge", "spi-level"),
    )
    one.take(two)
    assert list(one) == list(both)


def test_without_time_each_group_is_a_bucket() -> None:
    groups = sorted_in("spi-edge", "spi-level")
    found = buckets_of(groups, lambda: False)
    assert len(found) == len(list(groups))
    assert all(bucket.explanation is None for bucket in found)
    assert all(bucket.as_dict()["schedule"] for bucket in found)
