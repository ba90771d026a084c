"""A schedule as text: there and back, and what is said of one that is garbled."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from harness.engine.choice import Choice, Draw, StepOf
from harness.engine.schedule import (
    LINE_MAX,
    REPEAT_MAX,
    Origin,
    Schedule,
    decode_choices,
    encode_choices,
    is_schedule,
)
from harness.errors import UsageError

TASKS = st.one_of(
    st.sampled_from(["v0", "v1", "c", "h"]), st.from_regex(r"[a-z]{1,3}[0-9]{0,2}", fullmatch=True)
)
NAMES = st.one_of(TASKS, st.from_regex(r"[a-z]{1,5}[0-9]?(-[a-z0-9]{1,5}){0,2}", fullmatch=True))
DRAWS = st.builds(
    lambda name, n, more: Draw(name, n, n + more), NAMES, st.integers(0, 40), st.integers(1, 9)
)
CHOICES = st.lists(st.one_of(TASKS.map(StepOf), DRAWS), max_size=60)
WORDS = st.from_regex(r"[a-z][a-z0-9_.:/-]{0,20}", fullmatch=True)
SCHEDULES = st.builds(
    Schedule,
    scenario=WORDS,
    variant=WORDS,
    pcpus=st.integers(0, 99),
    vcpus=st.integers(0, 99),
    lrs=st.integers(0, 99),
    knobs=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
    choices=CHOICES.map(tuple),
    origin=st.builds(
        Origin, *[st.one_of(st.just(""), st.from_regex(r"[0-9a-f]{8}", fullmatch=True))] * 3
    ),
    toml=st.one_of(st.just(""), st.text(max_size=30)),
)
FAST = settings(max_examples=80, deadline=None, derandomize=True, database=None)
WHOLE = (
    "v3;mine.toml;variant=v4.14;pcpus=2,vcpus=1,lrs=4;;"
    "scenario=0123abcd,variant=ffff0000,code=00ff00ff,toml=bmFtZSA9ICJ4Igo;v0*12"
)
GOOD = "v2;timer-wfi;variant=v4.14;pcpus=2,vcpus=1,lrs=4;gic_lag=1;v0*12,l0,p0,placed-on:2/3,v0"


@given(CHOICES)
@FAST
def test_choices_there_and_back(choices: list[Choice]) -> None:
    assert decode_choices(encode_choices(choices)) == choices


@given(SCHEDULES)
@FAST
def test_schedule_there_and_back(schedule: Schedule) -> None:
    assert Schedule.parse(str(schedule)) == schedule
    assert Schedule.load(f"{schedule}") == schedule


@given(st.text(alphabet="v0123456789;,*:/abl- ", max_size=40))
@FAST
def test_any_choices_are_read_or_refused(text: str) -> None:
    try:
        choices = decode_choices(text)
    except UsageError:
        return
    assert decode_choices(encode_choices(choices)) == choices


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii", categories=["P", "S", "L"]))
@FAST
def test_one_wrong_character_never_is_a_traceback(at: int, wrong: str) -> None:
    try:
        schedule = Schedule.parse(GOOD[:at] + wrong + GOOD[at + 1 :])
    except UsageError:
        return
    assert Schedule.parse(str(schedule)) == schedule


def test_the_form() -> None:
    schedule = Schedule.parse(GOOD)
    steps = [StepOf("v0")] * 12 + [StepOf("l0"), StepOf("p0")]
    assert schedule.choices == (*steps, Draw("placed-on", 2, 3), StepOf("v0"))
    assert schedule.knobs == (("gic_lag", "1"),)
    assert (schedule.pcpus, schedule.vcpus, schedule.lrs) == (2, 1, 4)
    assert str(schedule) == GOOD
    assert Schedule.parse(f"  {GOOD}\n") == schedule


def test_the_form_of_one_that_says_where_it_comes_from() -> None:
    schedule = Schedule.parse(WHOLE)
    assert schedule.origin == Origin("0123abcd", "ffff0000", "00ff00ff")
    assert schedule.toml == 'name = "x"\n'
    assert str(schedule) == WHOLE
    bare = Schedule.parse(WHOLE.replace("v3;", "v2;").replace(WHOLE.split(";")[5] + ";", ""))
    assert (bare.origin, bare.toml, bare.choices) == (Origin(), "", schedule.choices)


def test_draws_are_not_run_length_coded_and_runs_are() -> None:
    v0, draw = StepOf("v0"), Draw("n", 1, 2)
    assert encode_choices([v0, v0, draw, draw, v0]) == "v0*2,n:1/2,n:1/2,v0"
    assert encode_choices([v0, StepOf("v1"), StepOf("v1")]) == "v0,v1*2"
    assert encode_choices([]) == ""
    assert decode_choices("") == []


def test_a_draw_named_like_a_task_is_no_step() -> None:
    choices: list[Choice] = [StepOf("n"), Draw("n", 0, 2), StepOf("n")]
    assert encode_choices(choices) == "n,n:0/2,n"
    assert decode_choices("n,n:0/2,n") == choices


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the schedule is empty"),
        ("v1;a;b;c;d;e", "in format v1, which an older version of vgic-race wrote, expected v3"),
        ("v4;a;b;c;d;e", "in format v4, which a newer version of vgic-race wrote, expected v3"),
        ("hello", "begins with 'hello', expected 'v3'"),
        ("v2;timer-wfi", "2 fields separated by ';', expected 6"),
        (GOOD + ";more", "7 fields separated by ';', expected 6"),
        (GOOD.replace("variant=", ""), "field 3 is 'v4.14', expected 'variant=...'"),
        (GOOD.replace("pcpus=2", "pcpus=two"), "size pcpus='two' is not a number"),
        (GOOD.replace("pcpus=2", "pcpus=-2"), "size pcpus='-2' is not a number"),
        (GOOD.replace("pcpus=2,", ""), "expected pcpus=N,vcpus=N,lrs=N"),
        (GOOD.replace("pcpus=2", "cores=2"), "expected pcpus=N,vcpus=N,lrs=N"),
        (GOOD.replace("gic_lag=1", "gic_lag"), "'gic_lag' in field 5 (knobs), expected NAME=VALUE"),
        (GOOD.replace("gic_lag=1", "=1"), "'=1' in field 5 (knobs)"),
        (GOOD.replace("pcpus=2", "pcpus="), "'pcpus=' in field 4 (sizes)"),
        (GOOD.replace("l0", "L0"), "choice 2 is 'L0'"),
        (GOOD.replace("p0", ""), "choice 3 is ''"),
        (GOOD.replace("placed-on:2/3", "=2"), "choice 4 is '=2', expected a task (v0)"),
        (GOOD.replace(":2/3", ":3/3"), "choice 4 is 'placed-on:3/3', expected a number below 3"),
        (GOOD.replace(":2/3", ":0/0"), "choice 4 is 'placed-on:0/0', expected a number below 0"),
        (GOOD.replace(":2/3", ":-2/3"), "choice 4 is 'placed-on:-2/3'"),
        (GOOD.replace(":2/3", ":2"), "choice 4 is 'placed-on:2'"),
        (GOOD.replace(":2/3", ":2/3*3"), "choice 4 is 'placed-on:2/3*3'"),
        (GOOD.replace("placed-on", "placed on"), "choice 4 is 'placed on:2/3'"),
        (GOOD.replace("v0*12", "v0*"), "choice 1 is 'v0*'"),
        (GOOD.replace("v0*12", "v0*0"), "choice 1 repeats 0 times"),
        (GOOD + f",v0*{REPEAT_MAX}", f"choice 6 repeats {REPEAT_MAX} times"),
        (GOOD + ",", "choice 6 is ''"),
        (WHOLE.removesuffix(";v0*12"), "6 fields separated by ';', expected 7"),
        (WHOLE.replace("code=", "revision="), "'revision' in field 6 (origin), expected scenario"),
        (WHOLE.replace("code=0", "code=g"), "code='g0ff00ff' in field 6 (origin), expected a"),
        (WHOLE.replace("bmFt", "b?Ft"), "toml in field 6 (origin) is not base64 of a scenario"),
        (WHOLE.replace("bmFt", "____"), "toml in field 6 (origin) is not base64 of a scenario"),
        (WHOLE.replace("bmFt", "A" * 400_000), "a scenario of more than 262144 bytes"),
        (GOOD + f",v0*{'9' * 5_000}", "choice 6 is 'v0*9999"),
        (GOOD + f",n:{'9' * 5_000}/3", "choice 6 is 'n:9999"),
        (GOOD.replace("pcpus=2", f"pcpus={'9' * 5_000}"), "is not a number"),
    ],
)
def test_garbled(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        Schedule.parse(text)
    assert message in str(error.value)


def test_load_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.schedule"
    path.write_text(GOOD + "\n", encoding="utf-8")
    assert Schedule.load(str(path)) == Schedule.parse(GOOD)
    assert LINE_MAX == 200


def test_a_schedule_of_another_version_is_not_taken_for_a_path() -> None:
    assert is_schedule(GOOD)
    assert is_schedule("v1;timer-wfi")
    assert not is_schedule("v2")
    assert not is_schedule("v2/a;b")
    with pytest.raises(UsageError, match="in format v1"):
        Schedule.load(GOOD.replace("v2;", "v1;"))


def test_load_of_what_is_no_schedule(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither a schedule .* nor a file .*No such file"):
        Schedule.load(str(tmp_path / "none"))
    with pytest.raises(UsageError, match="neither a schedule"):
        Schedule.load(str(tmp_path))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00v2;")
    with pytest.raises(UsageError, match="not text"):
        Schedule.load(str(binary))
    other = tmp_path / "other"
    other.write_text("{}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"begins with '\{\}'"):
        Schedule.load(str(other))
