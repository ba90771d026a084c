"""Rules of the user's own: found, checked, guarded, and carried wherever rules go."""

import pickle
from pathlib import Path

import pytest

from harness.campaign.crash import blame
from harness.engine.direct_engine import DirectEngine, execute
from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.log.check import check_log
from harness.log.reader import read_log
from harness.log.record import record
from harness.report.chain import rule_text
from harness.rule_choice import choose_rules, parse_rules
from harness.search.case import Case
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk
from harness.strategies.replay import Replay
from harness.user_rules import load_rule, spelt
from model.rules.registry import GUEST, RULES

OWN = "rules.py:SleepsOnce"


def spec_of(rules: str) -> RunSpec:
    return RunSpec.make("timer-wfi", "v7.2", rules=parse_rules(rules))


def failing(spec: RunSpec) -> Schedule:
    """A schedule that breaks the rule."""
    world = spec.build(DirectEngine.task_class)
    for seed in range(200):
        outcome = execute(world, RandomWalk(seed))
        if outcome.violations:
            return spec.schedule(outcome)
    raise AssertionError("no schedule breaks it")


def outcome_of(spec: RunSpec, schedule: Schedule) -> list[str]:
    outcome = execute(spec.build(DirectEngine.task_class), Replay(schedule.choices))
    return [violation.rule for violation in outcome.violations]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rules.py", "unknown rule 'rules.py'"),
        ("rules.py:", "expected path/file.py:Class"),
        ("gone.py:X", "rule 'gone.py:X': no file 'gone.py'"),
        ("gone.module:X", "cannot import 'gone.module'"),
        ("rules.py:SleepOnce", "no class 'SleepOnce'; did you mean 'SleepsOnce'?"),
        ("rules.py:NoRule", "NoRule is no rule, expected a subclass of model.check.rule.Rule"),
        ("rules.py:TakesAnId", "id 'R1' is that of a rule of vgic-race"),
        ("rules.py:BadId", "id is 'a,b', expected a word"),
        ("rules.py:NoEra", "eras are ('v5',), expected some of v4.14, v7.2"),
        ("rules.py:Mute", "it has no alarm"),
        ("rules.py:Deaf", "it hears no fact (@on) and asks nothing at rest (at_rest)"),
        ("rules.py:Untitled", "Untitled.section is missing"),
        ("strategy.py:Stays", "Stays is no rule"),
    ],
)
def test_what_is_no_rule_is_refused(folder: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_rules(name)
    assert words in str(error.value)


def test_a_file_that_raises_is_named(folder: Path) -> None:
    (folder / "bad.py").write_text("1 / 0")
    with pytest.raises(UsageError, match=r"rule 'bad.py:X': cannot import 'bad.py'"):
        parse_rules("bad.py:X")


def test_two_of_the_same_id_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="have the same id, 'X1'"):
        spec_of("rules.py:SleepsOnce,rules.py:Same")


def test_groups_and_names_go_together(folder: Path) -> None:
    assert parse_rules(f"guest, {OWN}") == GUEST | {OWN}
    assert parse_rules(f"all,{OWN}") == frozenset(RULES) | {OWN}
    assert choose_rules(None) is None


def test_a_projects_rules_are_checked_beside_all(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(f'[tool.vgic-race]\nrules = ["{OWN}"]\n')
    assert choose_rules(None) == frozenset(RULES) | {OWN}
    assert parse_rules("X1,R1") == {OWN, "R1"}, "it may be called by its id there"
    assert choose_rules("guest") == GUEST


def test_a_projects_rules_are_meant_from_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "pyproject.toml").write_text(f'[tool.vgic-race]\nrules = ["{OWN}"]\n')
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    chosen = choose_rules(None)
    assert chosen is not None
    (name,) = chosen - set(RULES)
    assert load_rule(name).id == "X1"


def test_it_is_checked_carried_and_told(folder: Path) -> None:
    spec = spec_of(f"all,{OWN}")
    schedule = failing(spec)
    # In a schedule, and back: with the digest of its file.
    assert schedule.own == (OWN,)
    assert f"rule={OWN}" in str(schedule)
    assert schedule.origin.rules
    again = RunSpec.from_schedule(Schedule.parse(str(schedule)))
    assert again.rules == spec.rules
    assert outcome_of(again, schedule) == ["X1"]
    assert outcome_of(pickle.loads(pickle.dumps(spec)), schedule) == ["X1"]
    # In a case, as shrinking makes it.
    assert outcome_of(Case.of(spec).spec, schedule) == ["X1"]
    # In a log, checked again, with its name for a reader.
    log = read_log(record(spec, schedule, folder / "log.jsonl").path)
    assert "X1" in log.header.rules
    result = check_log(log)
    assert [found.violation.rule for found in result.found] == ["X1"]
    assert result.agrees
    assert "no VCPU ever sleeps [ours]" in rule_text(result.found[0].violation)
    from_log = RunSpec.from_schedule(schedule, frozenset(log.header.rules))
    assert outcome_of(from_log, schedule) == ["X1"]


def test_without_it_the_schedule_is_clean(folder: Path) -> None:
    schedule = failing(spec_of(OWN))
    plain = RunSpec.from_schedule(schedule, frozenset(RULES))
    assert outcome_of(plain, schedule) == []


def test_a_changed_rule_has_another_digest(folder: Path) -> None:
    spec = spec_of(OWN)
    before = spec.origin()
    assert RunSpec.make("timer-wfi", "v7.2").origin().rules == ""
    (folder / "other.py").write_text((folder / "rules.py").read_text() + "# changed\n")
    assert spec_of("other.py:SleepsOnce").origin().rules != before.rules


def test_the_option_is_spelt_shortly(folder: Path) -> None:
    assert spelt(None) == ""
    assert spelt((*RULES, OWN)) == f"all,{OWN}"
    assert spelt((*RULES, OWN), own=(OWN,)) == "", "the schedule says it"
    assert spelt(("R1", OWN)) == f"R1,{OWN}"


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        ("Counts", "it sets self.count while it runs"),
        ("Collects", "self.seen is a dict"),
    ],
)
def test_what_would_pass_from_one_execution_to_the_next_is_refused(
    folder: Path, cls: str, words: str
) -> None:
    spec = spec_of(f"rules.py:{cls}")
    with pytest.raises(UsageError) as error:
        failing(spec)
    assert f"rule 'rules.py:{cls}': {words}" in str(error.value)


def test_what_it_raises_is_told_as_its_own(folder: Path) -> None:
    spec = spec_of("rules.py:Raises")
    with pytest.raises(ValueError, match="no") as error:
        failing(spec)
    crash = blame(spec, error.value, "schedule 3")
    assert crash.usage
    assert crash.text.startswith("rule 'rules.py:Raises' raised ValueError: no in on_block (rules")
