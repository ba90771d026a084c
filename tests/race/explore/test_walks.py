"""Executions over memoised steps: each is what the direct engine makes of the same schedule."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from harness.contract import Strategy
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution
from harness.engine.outcome import Limits, Outcome
from harness.scenarios.schema import builtin_names
from harness.search.explore import walks as module
from harness.search.explore.task import ExploredTask
from harness.search.explore.walks import LONGEST, Clean, Hot, Walks
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.variants import ERAS
from harness.world import VgicWorld
from model.facts import Exited
from model.rules.state_names import NAMES
from tests.race.explore.tiny import in_turns

SMALL = [(name, era) for name in ("timer-wfi", "timer-busy") for era in ERAS]
MUSEUM = [("timer-wfi", "v7.2+14"), ("timer-wfi", "v7.2+29"), ("timer-wfi", "v4.14+23")]


TOO_LONG = ("smp-mix", "timer-phys")
"""Those of which hardly an execution is as short as LONGEST: an engine runs them all."""


def strategy(n: int) -> Strategy:
    return Pct(n, 3, (100, 200)[n // 2 % 2]) if n % 2 else RandomWalk(n)


def joined(outcome: Outcome) -> int:
    """Return the states and windows of an execution, as a walk gives them."""
    return outcome.reached | outcome.windows << len(NAMES)


class Both:
    """A scenario on the direct engine, and over memoised steps."""

    def __init__(
        self, scenario: str, variant: str, knobs: tuple[tuple[str, str], ...] = ()
    ) -> None:
        spec = RunSpec.make(scenario, variant, knobs=dict(knobs))
        self.world: VgicWorld = spec.build(DirectTask)
        self.walks = Walks(spec.build(ExploredTask))

    def agree(self, schedules: range) -> int:
        """Hold each schedule against the engine's; return how many were clean."""
        clean = 0
        for n in schedules:
            outcome = DirectEngine().execute(Execution(self.world, strategy(n)))
            assert outcome is not None
            walked = self.walks.run(strategy(n))
            if walked is None:
                assert outcome.violations or outcome.bound or outcome.steps > LONGEST
                continue
            assert not outcome.violations
            assert not outcome.bound
            assert walked == Clean(outcome.steps, joined(outcome))
            clean += 1
        return clean


@pytest.mark.parametrize(("scenario", "variant"), [SMALL[3], MUSEUM[2]])
def test_each_is_the_engines(scenario: str, variant: str) -> None:
    assert Both(scenario, variant).agree(range(12)) in range(1 if "+" in variant else 12, 13)


@pytest.mark.long
@pytest.mark.parametrize(("scenario", "variant"), [SMALL[1], *MUSEUM[:2]])
def test_hundreds_are_the_engines(scenario: str, variant: str) -> None:
    assert Both(scenario, variant).agree(range(200)) >= 50


@pytest.mark.long
@pytest.mark.parametrize(
    ("scenario", "variant"), in_turns([x for x in builtin_names()[::2] if x not in TOO_LONG])
)
def test_so_they_are_on_larger_machines(scenario: str, variant: str) -> None:
    assert Both(scenario, variant).agree(range(30)) > 0


def test_states_are_dropped_and_steps_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both("timer-wfi", "v7.2")
    monkeypatch.setattr(module, "NODES_MAX", 300)
    assert both.agree(range(6)) == 6
    assert len(both.walks.nodes) <= 300
    misses = both.walks.memo.misses
    assert both.agree(range(6)) == 6
    assert both.walks.memo.misses == misses


@pytest.mark.parametrize("limit", ["steps", "time"])
def test_bounds_are_the_engines_to_reach(limit: str) -> None:
    both = Both("timer-wfi", "v7.2")
    few = Limits(steps_max=100) if limit == "steps" else Limits(time_ns_max=10_050)
    both.world.limits = both.walks.limits = few
    assert both.agree(range(3)) == 0


def test_what_is_hardly_ever_clean_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNCLEAN_MAX", 3)
    both = Both("timer-busy", "v4.14+4")
    assert both.walks.pays
    assert both.agree(range(6)) < 3
    assert not both.walks.pays


def test_what_is_always_new_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both("timer-wfi", "v7.2")
    monkeypatch.setattr(module, "MISSES_MAX", 10)
    assert both.walks.pays
    both.agree(range(1))
    assert not both.walks.pays


# -- faults planted in it --------------------------------------------------------------------------


def never_asks_again(patch: pytest.MonkeyPatch) -> None:
    """A guard is asked where its task parks, and not when what it reads changes."""
    init = Hot.__init__

    def made(self: Hot, place: Any, bits: Any) -> None:
        init(self, place, bits)
        self.waits = 0

    patch.setattr(Hot, "__init__", made)


def ignores_draws(patch: pytest.MonkeyPatch) -> None:
    """What came of one draw is taken for what comes of another."""
    patch.setattr(module, "follow", lambda table, key, draw, drawn=(): (drawn, any_of(table, key)))


def any_of(table: Any, key: Any) -> Any:
    at = table.get(key)
    while isinstance(at, module.Branch):
        at = next(iter(at.to.values()))
    return at


def forgets_states_reached(patch: pytest.MonkeyPatch) -> None:
    """The "sometimes" states are those of the beginning."""
    patch.setattr(Walks, "reached", lambda _self, _row: 0)


@pytest.mark.parametrize("plant", [never_asks_again, ignores_draws, forgets_states_reached])
def test_planted_faults_are_seen(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, IndexError, ValueError)):
        Both("timer-wfi", "v7.2").agree(range(12))


# -- what it takes for granted ---------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "variant"), [SMALL[3], ("timer-busy", "v4.14+57")])
def test_from_exit_to_exit_it_takes_ten_steps(scenario: str, variant: str) -> None:
    world: VgicWorld = RunSpec.make(scenario, variant).build(DirectTask)
    exits: list[int] = []
    world.subscribe({Exited: lambda _f: exits.append(world.steps())})
    for n in range(6):
        exits.append(-LONGEST)
        DirectEngine().execute(Execution(world, strategy(n)))
    ways = [b - a for a, b in pairwise(exits) if b > 0]
    assert len(ways) > 6
    assert min(ways) * world.limits.idle_exits_max > LONGEST
