"""Seeds, shares and bounds: the arithmetic of a campaign."""

import math

import pytest

from harness.campaign.confidence import Confidence, pct_bound, rule_of_three, runs_for
from harness.campaign.plan import Plan, far_k
from harness.campaign.seeds import schedule_seed
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk

SPEC = RunSpec("timer-wfi", "v7.2", 1, 1, 4)


def test_a_seed_depends_on_all_four_and_is_the_same_everywhere() -> None:
    base = schedule_seed(1, "a", "b", 0)
    assert 0 <= base < 1 << 64
    others = {schedule_seed(2, "a", "b", 0), schedule_seed(1, "x", "b", 0)}
    others |= {schedule_seed(1, "a", "x", 0), schedule_seed(1, "a", "b", 1)}
    others |= {schedule_seed(1, "ab", "", 0)}
    assert len(others | {base}) == 6


def test_the_budget_is_shared_and_no_one_goes_without() -> None:
    plan = Plan(specs=(SPEC,) * 3, seed=1, schedules=11)
    assert [plan.budget(i) for i in range(3)] == [4, 4, 3]
    plan = Plan(specs=(SPEC,) * 3, seed=1, schedules=1)
    assert [plan.budget(i) for i in range(3)] == [1, 1, 1]
    assert Plan(specs=(SPEC,), seed=1, deadline=1.0).budget(0) is None


def test_mix_alternates() -> None:
    plan = Plan(specs=(SPEC,), seed=1, schedules=2)
    assert isinstance(plan.strategy_of(0, 0, 10), RandomWalk)
    assert isinstance(plan.strategy_of(0, 1, 10), Pct)


@pytest.mark.parametrize(("strategy", "first", "apart"), [("mix", 1, 2), ("pct", 32, 1)])
def test_every_other_pct_schedule_looks_far(strategy: str, first: int, apart: int) -> None:
    plan = Plan(specs=(SPEC,), seed=1, schedules=2, strategy=strategy)
    made = [plan.strategy_of(0, first + apart * i, 30) for i in range(4)]
    assert [each.k for each in made if isinstance(each, Pct)] == [30, 200, 30, 200]
    assert [far_k(k) for k in (80, 300, 500)] == [320, 400, 500]


def test_rule_of_three() -> None:
    assert rule_of_three(0) == 1
    assert rule_of_three(2) == 1
    assert rule_of_three(3000) == pytest.approx(0.001)
    # It is the 95 % bound: with that share of failures, 3000 passes in a row are 5 % likely.
    assert (1 - rule_of_three(3000)) ** 3000 == pytest.approx(0.05, abs=0.001)


def test_the_bound_of_pct_and_the_runs_it_takes() -> None:
    assert pct_bound(6, 120, 3) == pytest.approx(1 / 86_400)
    assert runs_for(pct_bound(6, 120, 3)) == 397_885
    assert runs_for(1.0) == 1
    assert pct_bound(1, 50, 1) == 1


def test_confidence_never_says_proved() -> None:
    confidence = Confidence(schedules=1000, pct_runs=500, tasks=8, k=30, depth=3, longest=270,
                  far_runs=200, far_k=200)  # fmt: skip
    near, far = confidence.halves
    assert near.found_at_least == pytest.approx(1 - (1 - 1 / 7200) ** 300)
    assert far.found_at_least == pytest.approx(1 - (1 - 1 / 320_000) ** 200)
    assert confidence.shown == far
    assert "the near half, over the first k=30" in confidence.long()
    assert "270" in confidence.long()
    assert "proved" not in confidence.long().lower()
    alone = Confidence(schedules=1000, pct_runs=0, tasks=8, k=30, depth=3, longest=0)
    assert "no bound by depth" in alone.long()
    assert math.isclose(alone.failing_at_most, 0.003)


def test_schedules_that_measure_k_are_half_random_half_pct() -> None:
    for strategy in ("mix", "pct"):
        plan = Plan(specs=(SPEC,), seed=1, schedules=2, strategy=strategy)
        made = [type(plan.strategy_of(0, i, 30)) for i in range(plan.measuring)]
        assert made == [RandomWalk, Pct] * 16
    assert not Plan(specs=(SPEC,), seed=1, schedules=2, strategy="random").measuring


def test_a_seed_does_not_depend_on_how_a_path_is_spelt() -> None:
    seeds = {
        schedule_seed(1, scenario, variant, 0)
        for scenario in ("a.toml", "./a.toml", "/elsewhere/a.toml")
        for variant in ("mine.py:Mine", "sub/mine.py:Mine", "/elsewhere/mine.py:Mine")
    }
    assert len(seeds) == 1
    assert schedule_seed(1, "a.toml", "mine.py:Other", 0) not in seeds
