"""Why an execution fails: departures, what they are moved past, causes and symptoms."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import pytest

from harness.engine.choice import Choice, Draw, StepOf
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.schedule import decode_choices
from harness.errors import UsageError
from harness.search.case import Case
from harness.search.explanation import Explanation, Moment, Share
from harness.search.plan import Plan
from harness.search.trial import Stage
from harness.search.why.cause import base_of, base_violation, first_difference
from harness.search.why.events import Departed, Event, Hold, Jump, Noting, Point
from harness.search.why.explain import Inquiry, explain
from harness.search.why.reduce import fewest
from harness.search.why.shares import inevitable_from, prefix, spread
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from tests.race.running import strategy

SCENARIOS = Path(__file__).resolve().parents[2] / "race" / "scenarios"


@cache
def failing(scenario: str, variant: str) -> tuple[Case, tuple[Choice, ...]]:
    """The first failing execution, and its case."""
    spec = RunSpec.make(scenario, variant)
    world = spec.build(DirectEngine.task_class)
    for number in range(400):
        outcome = DirectEngine().execute(Execution(world, strategy(number)))
        assert outcome is not None
        if outcome.violations:
            return Case.of(spec), tuple(outcome.choices)
    raise AssertionError("nothing found")


def names(moments: Sequence[Moment | None]) -> list[str]:
    return ["" if m is None else f"{m.task}:{m.op}" for m in moments]


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [("migrate", "v4.14"), ("smp-mix", "v7.2"), ("overflow-dir", "v7.2+F3")],
)
def test_an_execution_is_its_departures(scenario: str, variant: str) -> None:
    """Noted and made again they give the same choices, whatever made them."""
    case = Case.of(RunSpec.make(scenario, variant))
    stage = Stage.of(case)
    for seed in range(4):
        made = Pct(seed) if seed % 2 else RandomWalk(seed)
        outcome = stage.engine.execute(Execution(stage.world, made))
        assert outcome is not None
        noting = Noting(stage, Plan.of(outcome.choices))
        noted = stage.follow(noting)
        departed = Departed(stage, noting.events, noted.plan.draws)
        again = stage.follow(departed)
        assert noted.choices[: len(outcome.choices)] == tuple(outcome.choices)
        assert again.choices == noted.choices
        assert departed.used == set(noting.events)
        assert len(noting.events) <= len(noted.departures)


def test_without_departures_it_is_the_calm_order() -> None:
    stage = Stage.of(Case.of(RunSpec.make("migrate", "v7.2")))
    noting = Noting(stage, Plan())
    calm = stage.follow(noting)
    assert noting.events == []
    assert stage.follow(Departed(stage, (), ())).choices == calm.choices


def test_a_departure_that_does_not_fit_is_left_out() -> None:
    stage = Stage.of(Case.of(RunSpec.make("migrate", "v7.2")))
    calm = stage.follow(Departed(stage, (), ())).choices
    v0, i7 = Point("v0", 3), Point("i7", 0)
    never: list[Event] = [
        Jump(i7, v0),
        Hold(i7, None),
        Jump(Point("h", 0), i7),
        Hold(Point("l0", 99), v0),
    ]
    departed = Departed(stage, never, ())
    assert stage.follow(departed).choices == calm
    assert departed.used == set()


def test_a_hold_ends_when_nobody_else_goes() -> None:
    stage = Stage.of(Case.of(RunSpec.make("timer-wfi", "v7.2")))
    calm = stage.follow(Departed(stage, (), ())).choices
    held = Departed(stage, [Hold(Point("c", 0), Point("v0", 9_999))], ())
    assert stage.follow(held).choices == calm
    assert held.used == set(held.events)


EVENTS: list[Event] = [Jump(Point("h", n), Point("v0", n)) for n in range(11)]


@pytest.mark.parametrize("needed", [[], [0], [10], [3, 4, 9], list(range(11))])
def test_only_what_is_needed_is_left(needed: list[int]) -> None:
    asked = []

    def fails(events: Sequence[Event]) -> bool:
        asked.append(len(events))
        return {EVENTS[n] for n in needed} <= set(events)

    assert fewest(EVENTS, fails) == tuple(EVENTS[n] for n in needed)
    assert len(asked) < 60


def test_what_one_makes_needless_goes_in_a_second_round() -> None:
    a, b, c = EVENTS[:3]
    # Without c, b is needed; only once a is gone c may go.
    works = [{a, b, c}, {b, c}, {b}, set()]
    assert fewest([a, b, c], lambda events: set(events) in works) == ()


def test_a_request_that_nobody_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch 30: an injector on another CPU, between the flush and guest mode."""
    monkeypatch.setattr("harness.search.why.symptom.DRAWS", 5)
    monkeypatch.setattr("harness.search.why.shares.DRAWS", 8)
    case, choices = failing("spi-level", "v4.14+30")
    seen: list[Explanation] = []
    found = explain(case, choices, seen.append)
    assert seen[-1] == found
    assert [x.violation.rule for x in seen] == ["I12"] * len(seen)
    pair, window = found.pairs[0], found.windows[0]
    assert names([pair.first, pair.second]) == ["i1:kick_mode", "v0:mode_in_guest"]
    assert names([window.what, window.before]) == ["y0:device_event", "v0:mode_in_guest"]
    assert names([found.cause]) == ["v0:recheck_requests"]  # it is told nothing, and enters
    assert (found.calm, found.base) == (False, None)
    assert 0 < found.inevitable <= pair.second.step
    assert found.symptom is not None
    assert found.symptom.drawn > 0
    behind = [s for s in found.shares if s.step >= found.inevitable]
    assert behind == [Share(s.step, 8, 8) for s in behind]
    # The two executions that are shown are what they are said to be, and differ in that order.
    stage = Stage.of(case)
    fails, passes = stage.run(found.failing), stage.run(found.passing)
    assert fails.violation == found.violation
    assert passes.violation is None
    steps = [name for name, _ in zip(fails.tasks, passes.tasks, strict=False)]
    same = next(n for n, (a, b) in enumerate(zip(steps, passes.tasks, strict=False)) if a != b)
    assert same + 1 == pair.first.step
    assert fails.tasks[same] == pair.first.task
    assert passes.tasks[same] == pair.second.task


def test_it_says_the_same_each_time() -> None:
    case, choices = failing("spi-level", "v4.14+30")
    one, two = (Inquiry.of(case, choices) for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.in_short() == two.in_short()


def test_no_race_is_needed() -> None:
    case, choices = failing("timer-phys", "v7.2+26")
    inquiry = Inquiry.of(case, choices)
    assert inquiry is not None
    found = inquiry.in_short()
    assert found.calm
    assert (found.windows, found.pairs, found.passing) == ((), (), ())
    assert found.cause is not None


def test_the_unmodified_era_fails_too() -> None:
    """F1: then that is what there is to say first."""
    file = str(SCENARIOS / "enable-while-asserted.toml")
    _, choices = failing(file, "v7.2")
    found = base_violation(Case.of(RunSpec.make(file, "v7.2+29")), "v7.2", choices)
    assert found is not None
    assert found.rule in ("R12", "R23")
    assert base_violation(Case.of(RunSpec.make("timer-wfi", "v7.2+29")), "v7.2", ()) is None


def test_the_base_of_a_variant() -> None:
    assert [base_of(v) for v in ("v4.14", "v4.14+1", "v7.2+1+44")] == ["", "v4.14", "v7.2"]
    case = Case.of(RunSpec.make("timer-wfi", "v7.2+1"))
    calm = Stage.of(case).run(Plan()).choices
    assert first_difference(case, "v7.2", calm) == 0


def test_nothing_to_explain() -> None:
    case = Case.of(RunSpec.make("timer-wfi", "v7.2"))
    with pytest.raises(UsageError, match="there is nothing to explain"):
        explain(case, ())


def test_from_which_step_on_it_is_inevitable() -> None:
    shares = [Share(n, failed, 30) for n, failed in enumerate([0, 30, 29, 30, 30])]
    assert inevitable_from(shares) == 3
    assert inevitable_from(shares[:3]) == 0
    assert inevitable_from([]) == 0


def test_a_prefix_has_what_is_drawn_in_its_last_step() -> None:
    choices = decode_choices("edges0:1/2,v0*2,placed-on:0/2,v1,h,n:1/2")
    assert prefix(choices, 0) == [Draw("edges0", 1, 2)]
    assert prefix(choices, 2) == choices[:4]
    assert prefix(choices, 3)[-1] == StepOf("v1")
    assert prefix(choices, 4) == prefix(choices, 9) == choices
    assert spread(0, 3, 9) == [0, 1, 2, 3]
    assert spread(5, 100, 3) == [5, 52, 100]


def test_an_explanation_can_be_written_down() -> None:
    case, choices = failing("spi-level", "v4.14+30")
    inquiry = Inquiry.of(case, choices)
    assert inquiry is not None
    known = msgspec.json.decode(msgspec.json.encode(inquiry.in_short()))
    assert known["pairs"][0]["first"]["op"] == "kick_mode"
