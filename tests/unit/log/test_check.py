"""A stored log is judged as it was live, by whoever has no more than the log."""

import pytest

from harness.catalogue.shows import SHOWS
from harness.errors import UsageError
from harness.log.check import check_log
from harness.log.reader import parse_log
from harness.rule_choice import parse_rules
from harness.spec import RunSpec
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED
from model.check.rule import EVENTUALLY
from model.check.violation import LATE, LOST
from model.facts import KINDS
from model.rules.registry import RULES
from tests.race.running import clean_names
from tests.race.shown import ALWAYS, shown
from tests.unit.log.recorded import (
    NAME,
    Taken,
    changed,
    checked,
    recorded,
    violations,
    without,
    written,
)

SLEEPY = """
from harness.kvm.v7_2 import V7_2


class Sleepy(V7_2):
    async def soft_timer_expired(self, h, v):
        return False
"""


# -- the same verdict ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "era"),
    [
        *(pytest.param(name, "v4.14", marks=pytest.mark.long) for name in clean_names("v4.14")),
        *((name, "v7.2") for name in clean_names("v7.2")),
    ],
)
def test_a_scenario_is_clean_again(scenario: str, era: str) -> None:
    taken = recorded(scenario, era)
    assert (taken.verdict, taken.violations) == (CLEAN, ())
    result = checked(taken.data)
    assert (result.verdict, result.agrees, result.why) == (CLEAN, True, "")
    assert (result.found, result.not_checked) == ([], {})
    assert tuple(result.checked) == taken.log.header.rules
    assert len(result.checked) > 40


@pytest.mark.parametrize("variant", shown())
def test_a_patch_is_caught_again(variant: str) -> None:
    scenario, within, rules = SHOWS[variant]
    taken = recorded(scenario, variant, within)
    assert rules & {violation.rule for violation in taken.violations}
    result = checked(taken.data)
    assert violations(result) == taken.violations
    assert [x.violation.text for x in result.found] == [x.text for x in taken.violations]
    assert (result.verdict, result.agrees, result.why) == (VIOLATED, True, "")


@pytest.mark.long
def test_the_table_has_violations_of_each_type_but_late() -> None:
    found = [recorded(s, v, within) for v, (s, within, _) in [*SHOWS.items()][:ALWAYS]]
    assert {x.type for taken in found for x in taken.violations} == {"violation", LOST}
    assert any(len(taken.violations) > 2 for taken in found)


def test_the_line_is_where_it_was_seen() -> None:
    taken = recorded("spi-level", "v7.2+57")
    lost, *more = checked(taken.data).found
    assert (lost.violation.type, lost.violation.rule) == (LOST, "L1")
    assert {x.line for x in more} == {lost.line}
    assert taken.lines[lost.line - 1]["event"] == "rest"
    assert taken.lines[lost.line - 1]["phase"] == "nudged"
    taken = recorded("migrate", "v7.2+1", 100)
    (found,) = checked(taken.data).found
    line = taken.lines[found.line - 1]
    assert (line["event"], line["step"]) == ("load", found.violation.step)


@pytest.fixture
def late(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Taken:
    """A soft timer that wakes nobody, the rules that see it at once off: LATE, by the drain."""
    build = RunSpec.build
    monkeypatch.setattr(
        RunSpec, "build", lambda self, task_class: build(self, task_class, frozenset({"L5"}))
    )
    path = tmp_path_factory.mktemp("late") / "sleepy.py"
    path.write_text(SLEEPY)
    return recorded("timer-wfi", f"{path}:Sleepy", 200)


def test_late_is_late_again(late: Taken) -> None:
    assert [(x.type, x.rule) for x in late.violations] == [(LATE, "L5")]
    result = checked(late.data, frozenset({"L5"}))
    assert violations(result) == late.violations
    assert (result.verdict, result.agrees) == (VIOLATED, True)


def test_the_first_violation_ends_it(late: Taken) -> None:
    """With all rules another one cries first, and what follows it does not count."""
    result = checked(late.data)
    assert result.verdict == VIOLATED
    assert "L5" not in {found.violation.rule for found in result.found}
    assert len({found.violation.step for found in result.found}) == 1
    assert result.agrees is None
    assert "without I11" in result.why


def test_a_bound_is_inconclusive_again() -> None:
    taken = recorded("timer-wfi", "v7.2", steps_max="40")
    assert taken.verdict == INCONCLUSIVE
    result = checked(taken.data)
    assert (result.verdict, result.agrees) == (INCONCLUSIVE, True)


# -- facts left out ------------------------------------------------------------------------------

LOGS = (
    ("migrate", "v4.14+bound-1", 100), ("overflow-dir", "v7.2+F2", 100),
    ("spi-level", "v7.2+57", 100), ("lpi", "v7.2+31", 100), ("timer-phys", "v4.14", 1),
    ("save", "v7.2", 1),
)  # fmt: skip


@pytest.mark.parametrize(("scenario", "variant", "within"), LOGS)
def test_without_a_kind_of_fact_each_rule_says_the_same_or_is_not_checked(
    scenario: str, variant: str, within: int
) -> None:
    taken = recorded(scenario, variant, within)
    log = taken.log
    for kind, cls in KINDS.items():
        result = check_log(without(log, kind))
        lost = {name for name in log.header.rules if cls in RULES[name].needs()}
        assert set(result.not_checked) >= lost
        assert all(result.not_checked[name] == (kind,) for name in lost)
        assert not lost & set(result.checked)
        assert violations(result) == tuple(x for x in taken.violations if x.rule not in lost)
        assert result.agrees is not False
        assert result.verdict == (VIOLATED if result.found else CLEAN)


@pytest.mark.parametrize("kind", ["lock", "lr-written", "load", "tick", "device-event"])
def test_lines_that_are_filtered_out(kind: str) -> None:
    taken = recorded("spi-level", "v7.2+57")
    header, *rest = taken.lines
    header["facts"].remove(kind)
    data = written([header, *(line for line in rest if line["event"] != kind)])
    one, two = checked(data), check_log(without(taken.log, kind))
    assert one.checked == two.checked
    assert one.not_checked == two.not_checked
    assert violations(one) == violations(two)


def test_lines_that_are_left_out_leave_gaps_in_the_numbers() -> None:
    taken = recorded("spi-level", "v7.2+57")
    header, *rest = taken.lines
    header["facts"].remove("lock")
    lines = [header, *(line for line in rest if line["event"] != "lock")]
    assert lines[-1]["seq"] > len(lines)
    result = checked(written(lines, renumbered=False))
    assert violations(result) == taken.violations
    lines[5], lines[6] = lines[6], lines[5]
    with pytest.raises(UsageError, match="a line is missing before it"):
        checked(written(lines, renumbered=False))


def test_a_log_with_no_facts_is_not_checked_at_all() -> None:
    header, *rest = recorded("timer-wfi", "v7.2").lines
    header["facts"] = []
    result = checked(written([header, *(x for x in rest if x["event"] not in KINDS)]))
    assert (result.checked, result.verdict, result.agrees) == ([], INCONCLUSIVE, None)
    assert set(result.not_checked) == set(header["rules"])


def test_where_the_log_never_rests_what_is_owed_is_not_asked() -> None:
    lines = [x for x in recorded("timer-wfi", "v7.2").lines if x["event"] != "rest"]
    result = checked(written(lines))
    owed = {name for name in lines[0]["rules"] if RULES[name].kind == EVENTUALLY}
    assert result.not_checked == dict.fromkeys(owed, ("rest",))
    assert result.verdict == CLEAN


# -- only some rules -----------------------------------------------------------------------------


def test_some_rules_only() -> None:
    taken = recorded("migrate", "v4.14+1", 100)
    result = checked(taken.data, parse_rules("I1, R5"))
    assert sorted(result.checked) == ["I1", "R5"]
    assert violations(result) == tuple(x for x in taken.violations if x.rule == "I1")
    assert result.verdict == VIOLATED
    assert result.agrees is None
    assert "rests on R23" in result.why
    assert checked(taken.data, parse_rules("R5")).verdict == CLEAN
    # L1 is asked at rest, to which this execution did not come.
    result = checked(taken.data, parse_rules("L1"))
    assert (result.verdict, result.not_checked) == (INCONCLUSIVE, {"L1": ("rest",)})
    # A rule that does not hold here is neither checked nor missed.
    result = checked(taken.data, parse_rules("R10"))
    assert (result.verdict, result.checked, result.not_checked) == (INCONCLUSIVE, [], {})
    with pytest.raises(UsageError, match="unknown rule 'R233'; did you mean 'R23'"):
        parse_rules("R1,R233")


# -- logs that are not as they were written ------------------------------------------------------


def test_a_log_that_contradicts_its_footer_is_said_to() -> None:
    taken = recorded("migrate", "v4.14+1", 100)
    footer = {"verdict": CLEAN, "violations": []}
    lines = [x for x in taken.lines if x["event"] != "violation"]
    result = checked(written([*lines[:-1], {**lines[-1], **footer}]))
    assert (result.verdict, result.agrees) == (VIOLATED, False)
    assert "only now: R23 [entered]" in result.why
    result = checked(written([*taken.lines[:-1], {**lines[-1], **footer}]))
    assert "contradicts itself" in result.why
    clean = recorded("migrate", "v4.14")
    lies = [x for x in taken.lines if x["event"] == "violation"]
    result = checked(written([*clean.lines[:-1], *lies, {**clean.lines[-1], "verdict": VIOLATED}]))
    assert (result.verdict, result.agrees) == (CLEAN, False)
    assert "only then: R23 [entered]" in result.why


def test_another_alarm_of_the_same_rule_is_a_disagreement() -> None:
    def change(line: dict[str, object]) -> None:
        if line["event"] == "violation" and line["rule"] == "R23":
            line["alarm"] = "loaded"

    result = checked(changed(recorded("migrate", "v4.14+1", 100), change))
    assert result.agrees is False


@pytest.mark.parametrize(
    ("scenario", "variant"), [("migrate", "v4.14"), ("overflow", "v7.2"), ("lpi", "v7.2+31")]
)
def test_a_list_register_write_that_is_missing(scenario: str, variant: str) -> None:
    taken = recorded(scenario, variant, 40)
    lines = taken.lines
    found = set()
    for i, line in enumerate(lines):
        if line["event"] == "lr-written":
            left = [*lines[:i], *lines[i + 1 :]]
            with pytest.raises(UsageError, match="a line is missing before it"):
                checked(written(left, renumbered=False))
            found.add(checked(written(left)).verdict)
    # Of a log that says nothing of it, no more can be told than what the rules make of it.
    assert found <= {VIOLATED, CLEAN}
    assert VIOLATED in found


def test_what_is_owed_where_nobody_was_nudged() -> None:
    """It is late or lost, and the log does not tell which."""
    lines = recorded("spi-level", "v7.2+57").lines
    first = next(i for i, line in enumerate(lines) if line["event"] == "rest")
    result = checked(written([*lines[: first + 1], {**lines[-1], "verdict": CLEAN}]))
    assert {x.violation.type for x in result.found} == {"violation"}
    assert result.found[0].violation.rule == "L1"
    assert (result.verdict, result.agrees) == (VIOLATED, False)
    bound = {"verdict": INCONCLUSIVE, "bound": "drain"}
    assert checked(written([*lines[: first + 1], {**lines[-1], **bound}])).found == []


VALUES = (-1, 1 << 40, 1, None, "x")


@pytest.mark.parametrize(
    ("scenario", "variant", "within", "values"),
    [
        (*LOGS[3], VALUES[1:3]),
        pytest.param(*LOGS[2], VALUES, marks=pytest.mark.long),
        pytest.param(*LOGS[3], VALUES, marks=pytest.mark.long),
    ],
)
def test_no_value_of_a_field_is_too_much(
    scenario: str, variant: str, within: int, values: tuple[int | str | None, ...]
) -> None:
    """A field of each kind is given each value: it is refused with its line, or judged."""
    log = recorded(scenario, variant, within).log
    header, *lines = recorded(scenario, variant, within).lines
    refused: list[tuple[str, str]] = []
    judged = 0
    for kind in sorted({entry.meta.event for entry in log.entries}):
        at = next(i for i, entry in enumerate(log.entries) if entry.meta.event == kind)
        for name in set(lines[at]) - {"seq", "event", "vc"}:
            for value in values:
                try:
                    (entry,) = parse_log(
                        written([header, {**lines[at], name: value}]), NAME, partial=True
                    ).entries
                except UsageError as error:
                    refused.append((str(error), f"line 2: a {kind!r} line that is none"))
                else:
                    check_log(
                        log._replace(entries=[*log.entries[:at], entry, *log.entries[at + 1 :]])
                    )
                    judged += 1
    assert len(refused) > 0
    assert judged > 0
    assert all(expected in said for said, expected in refused)


@pytest.mark.parametrize("field", ["setting", "era", "facts", "rules", "tasks"])
def test_a_header_without_what_checking_needs(field: str) -> None:
    header, *rest = recorded("timer-wfi", "v7.2").lines
    del header[field]
    with pytest.raises(UsageError, match=f"line 1: a 'header' line that is none: .*{field}"):
        checked(written([header, *rest]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"era": "lazy"}, "era 'lazy', expected v4.14 or v7.2"),
        ({"facts": ["entry", "entri"]}, "unknown kind 'entri'"),
        ({"setting": {"pcpus": 10**9}}, "pcpus 1000000000, expected 1 to 1024"),
        ({"setting": {"lr_on_guest_deactivate": "seed"}}, "expected arch, polled"),
        ({"facts": ["exit"]}, "the header's facts say that there are no"),
    ],
)
def test_a_header_that_cannot_be(change: dict[str, object], said: str) -> None:
    header, *rest = recorded("timer-wfi", "v7.2").lines
    with pytest.raises(UsageError, match=said):
        checked(written([{**header, **change}, *rest]))
