"""Scenario files: the built-in ones, and each way in which one can be wrong."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.scenarios.schema import builtin_names, load_builtin, load_file, parse
from model.rules.sometimes import NAMES
from model.rules.windows import EVERY

GOOD = """\
name = "mine"
title = "a title"
pcpus = 2
preemptions = 1

[[device]]
intid = 40

[[vcpu]]
program = ["timer 10", "idle 1"]

[[vcpu]]
program = ["user"]

[sometimes]
"v4.14" = ["guest acknowledged"]
"""


def test_a_good_one() -> None:
    scenario = parse(GOOD, "here")
    assert (scenario.name, scenario.pcpus, scenario.vcpus, scenario.lrs) == ("mine", 2, None, 4)
    assert [(device.intid, device.edges) for device in scenario.device] == [(40, 1)]
    assert [vcpu.program for vcpu in scenario.vcpu] == [("timer 10", "idle 1"), ("user",)]
    assert scenario.sometimes == {"v4.14": ("guest acknowledged",)}


def test_more_vcpus_than_programs_take_turns() -> None:
    programs = parse(GOOD, "here").programs(5)
    assert programs[0] == programs[2] == programs[4]
    assert programs[1] == programs[3]
    assert programs[0] != programs[1]
    assert len(parse(GOOD, "here").programs(1)) == 1


def test_timers_that_user_space_programs() -> None:
    assert parse(GOOD, "here").timers(2) == ()
    text = GOOD.replace('program = ["user"]', 'timer = 0\nprogram = ["idle 1"]')
    scenario = parse(text, "here")
    assert scenario.vcpu[1].timer == 0
    assert scenario.timers(3) == ((-1, -1), (0, -1), (-1, -1))
    with pytest.raises(UsageError, match=r"vcpu 1: timer, ptimer: a reset .* expected resets = 0"):
        parse(text.replace("pcpus = 2", "pcpus = 2\nresets = 1"), "here")


WRONG = [
    # TOML itself
    ('pcpus = 2"', "pcpus = 2", "not valid TOML", "line 3"),
    ("pcpus = ", "pcpus = 2", "not valid TOML", "line 3"),
    ("pcpus = 2\npcpus = 3", "pcpus = 2", "not valid TOML", "line 4"),
    ("[[vcpu", "[[vcpu]]", "not valid TOML", "line 12"),
    # types
    ('pcpus = "2"', "pcpus = 2", "Expected `int`, got `str`", "line 3"),
    ("pcpus = 2.5", "pcpus = 2", "Expected `int`, got `float`", "line 3"),
    ('program = "user"', 'program = ["user"]', "Expected `array`, got `str`", "program"),
    ("program = [1]", 'program = ["user"]', "Expected `str`, got `int`", "program"),
    ("name = 7", 'name = "mine"', "Expected `str`, got `int`", "line 1"),
    ('"v4.14" = 1', '"v4.14" = ["guest acknowledged"]', "Expected `array`, got `int`", "sometimes"),
    # ranges
    ("pcpus = 0", "pcpus = 2", "Expected `int` >= 1", "line 3"),
    ("pcpus = 33", "pcpus = 2", "Expected `int` <= 32", "line 3"),
    ("vcpus = 33", "pcpus = 2", "Expected `int` <= 32", "line 3"),
    ("lrs = 17", "pcpus = 2", "Expected `int` <= 16", "line 3"),
    ("lrs = 0", "pcpus = 2", "Expected `int` >= 1", "line 3"),
    ("twice = 1020", "pcpus = 2", "Expected `int` <= 1019", "line 3"),
    ("eoimode = 2", "pcpus = 2", "Expected `int` <= 1", "line 3"),
    ("preemptions = 9", "preemptions = 1", "Expected `int` <= 8", "line 4"),
    ("intid = 31", "intid = 40", "Expected `int` >= 32", "line 7"),
    ("intid = 1020", "intid = 40", "Expected `int` <= 1019", "line 7"),
    ("intid = 40\nedges = 9", "intid = 40", "Expected `int` <= 8", "line 8"),
    # fields
    ("pcpu = 2", "pcpus = 2", "unknown field `pcpu`", "line 3"),
    ("intid = 40\ncolour = 1", "intid = 40", "unknown field `colour`", "line 8"),
    ("programm = []", 'program = ["user"]', "unknown field `programm`", "line 13"),
    ("", 'title = "a title"', "missing required field `title`", ""),
    ("", "intid = 40", "missing required field `intid`", "device"),
    # programs
    ('program = ["sleep 1"]', 'program = ["user"]', "unknown instruction", "vcpu 1, program line"),
    ('program = ["pmr 300"]', 'program = ["user"]', "must be 0 to 255", "vcpu 1, program line 1"),
    # timers that user space programs
    ('timer = -1\nprogram = ["user"]', 'program = ["user"]', "Expected `int` >= 0", "timer"),
    ('program = ["idle 1"]', 'program = ["user"]', "waits for 1 timer interrupts", "vcpu 1"),
    (
        'ptimer = 5\nprogram = ["idle 1"]',
        'program = ["user"]',
        "waits for 1 timer interrupts",
        "vcpu 1",
    ),
    # states
    ("sed = [", '"v4.14" = [', "sometimes.sed: unknown era, expected 'v4.14' or 'v7.2'", ""),
    ('["guest acknowleged"]', '["guest acknowledged"]', "did you mean 'guest ack", "sometimes.v4"),
    ('["zzz"]', '["guest acknowledged"]', "expected one of: ", NAMES[0]),
]


@pytest.mark.parametrize(("new", "old", "message", "where"), WRONG)
def test_wrong(new: str, old: str, message: str, where: str) -> None:
    text = GOOD[::-1].replace(old[::-1], new[::-1], 1)[::-1]  # the last occurrence
    with pytest.raises(UsageError) as error:
        parse(text, "scenario file 'mine.toml'")
    assert message in str(error.value)
    assert where in str(error.value)
    assert "scenario file 'mine.toml'" in str(error.value)
    assert "\n" not in str(error.value)


def test_no_vcpu() -> None:
    with pytest.raises(UsageError, match="missing required field `vcpu`"):
        parse('name = "n"\ntitle = "t"\n', "here")
    with pytest.raises(UsageError, match="here, line 3: Expected `array` of length >= 1"):
        parse('name = "n"\ntitle = "t"\nvcpu = []\n', "here")


# -- files ----------------------------------------------------------------------------------------


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_file(path) == parse(GOOD, "here")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"scenario file '.*none\.toml': No such file"):
        load_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="directory"):
        load_file(tmp_path)


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"not text \(expected TOML\)"):
        load_file(path)


# -- built in -------------------------------------------------------------------------------------


def test_the_builtin_ones_come_in_order() -> None:
    assert builtin_names()[:3] == ["timer-wfi", "timer-busy", "migrate"]


@pytest.mark.parametrize("name", builtin_names())
def test_builtin(name: str) -> None:
    scenario = load_builtin(name)
    assert scenario.name == name
    assert scenario.title
    assert set(scenario.sometimes) == {"v4.14", "v7.2"} - set(scenario.unclean)
    assert all(scenario.sometimes.values())


def test_sizes_of_the_builtin_ones() -> None:
    sizes = {name: load_builtin(name) for name in builtin_names()}
    assert (sizes["timer-wfi"].pcpus, len(sizes["timer-wfi"].vcpu)) == (1, 1)
    assert (sizes["timer-busy"].pcpus, len(sizes["timer-busy"].vcpu)) == (1, 1)
    assert (sizes["migrate"].pcpus, len(sizes["migrate"].vcpu)) == (2, 2)
    assert sizes["migrate"].preemptions >= 2


def test_each_state_that_can_be_reached_is_wanted_somewhere() -> None:
    wanted = {
        state
        for name in builtin_names()
        for states in load_builtin(name).sometimes.values()
        for state in states
    }
    assert wanted <= set(EVERY)
    assert len(wanted) >= 8


def test_unknown_builtin() -> None:
    with pytest.raises(UsageError, match="unknown scenario 'timer-wif'; did you mean 'timer-wfi'"):
        load_builtin("timer-wif")
    with pytest.raises(UsageError, match=r"expected one of: .*migrate"):
        load_builtin("???")


def test_a_guest_that_waits_for_what_it_never_asked_for_is_refused() -> None:
    text = 'name = "x"\ntitle = "x"\n[[vcpu]]\nprogram = ["timer 5", "idle 2"]\n'
    with pytest.raises(UsageError, match=r"program line 2: 'idle 2' waits for 2 .* only 1"):
        parse(text, "here")


def test_each_timer_has_its_own_interrupts_to_wait_for() -> None:
    text = 'name = "x"\ntitle = "x"\n[[vcpu]]\nprogram = ["ptimer 5", "tval 5", {}]\n'
    parse(text.format('"idle 1", "pidle 1"'), "here")
    with pytest.raises(UsageError, match=r"'pidle 2' waits for 2 ptimer .* only 1 'ptimer NS'"):
        parse(text.format('"pidle 2"'), "here")
    with pytest.raises(UsageError, match=r"'idle 2' waits for 2 timer .* only 1 'timer NS'"):
        parse(text.format('"idle 2"'), "here")


def test_the_physical_timers_interrupt_is_there_if_a_guest_uses_the_timer() -> None:
    text = 'name = "x"\ntitle = "x"\n[[vcpu]]\nprogram = ["disable 30", "{}"]\n'
    parse(text.format("ptimer off"), "here")
    with pytest.raises(UsageError, match=r"no interrupt 30; expected .* the timer \(27\)"):
        parse(text.format("work 1"), "here")
    with pytest.raises(UsageError, match=r"no interrupt 31; expected .* the timer \(27 or 30\)"):
        parse(text.replace("30", "31").format("ptimer off"), "here")


def test_an_empty_program_is_refused() -> None:
    with pytest.raises(UsageError, match="program"):
        parse('name = "x"\ntitle = "x"\n[[vcpu]]\nprogram = []\n', "here")
