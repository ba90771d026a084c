"""Windows of the kernel's comments: what counts, and how a campaign has it."""

import json
from pathlib import Path

import pytest

from harness.campaign.batches import Batch
from harness.campaign.plan import Plan
from harness.campaign.pool import Inline
from harness.campaign.summary import Campaign, Tally
from harness.catalogue.windows import count, rows
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution, Outcome
from harness.errors import UsageError
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.variants import resolve_variant
from model import facts
from model.check.checker import Checker
from model.check.setting import Setting
from model.rules.sometimes import NAMES, Reached
from model.rules.windows import EVERY, LEFT_OUT, WINDOWS, bits_of, name_of, split
from tests.race.running import world_of

ERAS = ("v4.14", "v7.2")


OTHERWISE: dict[str, facts.Fact] = {
    "out-request": facts.RequestsChecked(0, True),
    "handler-put": facts.IsrEnded(0, 27, None),
}


def seen_by(*told: facts.Fact) -> int:
    checker = Checker(Setting(), "v7.2", rules=(), states=(Reached,))
    for fact in told:
        checker.emit(fact)
    state = checker.states[0]
    assert isinstance(state, Reached)
    return state.bits


def test_each_has_a_name_a_place_and_a_bit_of_its_own() -> None:
    assert len({window.id for window in WINDOWS}) == len(WINDOWS)
    assert EVERY[: len(NAMES)] == NAMES
    assert [name_of(window) for window in WINDOWS] == list(EVERY[len(NAMES) :][: len(WINDOWS)])
    for n, window in enumerate(WINDOWS):
        assert bits_of(1 << n) == [1 << EVERY.index(name_of(window))]
        assert set(window.eras) <= set(ERAS)
        assert window.file.endswith(".c")


def test_a_look_that_found_something_counts_and_no_other() -> None:
    for n, window in enumerate(WINDOWS):
        fact = OTHERWISE.get(window.id, facts.Rechecked(0, window.id))
        assert split(seen_by(fact)) == (0, 1 << n)
    assert seen_by(facts.RequestsChecked(0, False)) == 0
    assert seen_by(facts.IsrEnded(0, 27, True)) == 0
    assert seen_by(facts.IsrEnded(0, 50, None)) == 0


def outcome_with(scenario: str, era: str, window: str, seeds: int) -> Outcome:
    """Return the first random execution in which something happened in a window."""
    world = world_of(scenario, resolve_variant(era))
    bit = 1 << [each.id for each in WINDOWS].index(window)
    for seed in range(seeds):
        outcome = DirectEngine().execute(Execution(world, RandomWalk(seed)))
        assert outcome is not None
        if outcome.windows & bit:
            return outcome
    pytest.fail(f"nothing happened in {window} in {seeds} executions of {scenario}")


@pytest.mark.parametrize(
    ("scenario", "era", "window"),
    [
        ("retarget", "v7.2", "prune-changed"),
        ("retarget", "v4.14", "flush-empty"),
        ("timer-wfi", "v4.14", "schedule-expired"),
        ("contended", "v7.2", "entry-request"),
    ],
)
def test_the_engine_says_in_which_it_was(scenario: str, era: str, window: str) -> None:
    assert outcome_with(scenario, era, window, 60).violations == []


def campaign() -> Campaign:
    specs = tuple(RunSpec.make("retarget", era) for era in ERAS)
    plan = Plan(specs=specs, seed=3, schedules=2 * 12, engine="direct")
    pool = Inline(plan, lambda _entry, _finding: None)
    tallies = []
    for entry in range(2):
        tally = Tally.of(plan, entry)
        tally.add(pool.worker.run(Batch(entry, 0, 12, k=0)))
        tallies.append(tally)
    return Campaign(plan=plan, tallies=tallies)


def test_a_campaign_counts_executions_by_window_and_era() -> None:
    found = campaign()
    counts = found.windows()
    assert counts["out-request"]["v7.2"] > 0
    assert set(counts["flush-empty"]) == {"v4.14"}
    assert set(counts["load-expired"]) == {"v7.2"}
    for tally in found.tallies:
        assert tally.windows().keys() == {w.id for w in WINDOWS if tally.era in w.eras}
        assert all(n <= tally.schedules for n in tally.windows().values())
        assert tally.as_dict()["windows"] == {w: n for w, n in tally.windows().items() if n}


def test_list_has_what_a_campaign_and_a_log_saw(tmp_path: Path) -> None:
    entries = [
        {"scenario": "x", "variant": "v7.2", "verdict": "clean", "schedules": 3, "steps": 9,
         "windows": {"queue-gone": n}} for n in (2, 5)
    ]  # fmt: skip
    data = {"verdict": "clean", "entries": entries, "violations": [], "schedules": 6, "steps": 18,
            "seed": 1}  # fmt: skip
    (tmp_path / "campaign.json").write_text(json.dumps(data))
    assert count(tmp_path) == {"queue-gone": 7}
    seen = {row["name"]: row["seen"] for row in rows(tmp_path)}
    assert seen["queue-gone"] == 7
    assert sum(seen.values()) == 7
    with pytest.raises(UsageError, match="cannot read"):
        rows(tmp_path / "none.jsonl")


def test_what_is_left_out_says_why() -> None:
    assert all(function and file.endswith(".c") and why for function, file, why in LEFT_OUT)
    assert all("seen" not in row for row in rows())
