"""Instructions of a scenario's own: written out when it is read, refused where they are wrong."""

from itertools import pairwise

import pytest

from harness.errors import UsageError
from harness.origin import scenario_digest
from harness.scenarios.schema import parse

HEAD = 'name = "x"\ntitle = "y"\n'
VCPU = '[[vcpu]]\nprogram = ["rearm 100 1", "work 2", "rearm 200 2"]\n'


def scenario(instructions: str, vcpu: str = VCPU) -> str:
    return f"{HEAD}[instructions]\n{instructions}\n{vcpu}"


def refused(text: str) -> str:
    with pytest.raises(UsageError) as error:
        parse(text, "x.toml")
    return str(error.value)


def test_a_program_is_written_out() -> None:
    loaded = parse(scenario('"rearm NS N" = ["timer NS", "user", "idle N"]'), "x.toml")
    assert loaded.vcpu[0].program == (
        "timer 100", "user", "idle 1", "work 2", "timer 200", "user", "idle 2",
    )  # fmt: skip


def test_an_instruction_may_use_those_before_it() -> None:
    text = scenario(
        '"rearm NS N" = ["timer NS", "idle N"]\n"twice NS" = ["rearm NS 1", "rearm NS 2"]',
        '[[vcpu]]\nprogram = ["twice 50"]\n',
    )
    assert parse(text, "x").vcpu[0].program == ("timer 50", "idle 1", "timer 50", "idle 2")


def test_it_is_the_scenario_that_it_is_written_out_as() -> None:
    """So schedules of either fit the other, and shrinking sees plain lines."""
    own = parse(scenario('"rearm NS N" = ["timer NS", "idle N"]'), "x")
    lines = '"timer 100", "idle 1", "work 2", "timer 200", "idle 2"'
    plain = parse(f"{HEAD}[[vcpu]]\nprogram = [{lines}]\n", "x")
    assert own == plain
    assert scenario_digest(own) == scenario_digest(plain)


@pytest.mark.parametrize(
    ("instructions", "words"),
    [
        ('"timer NS" = ["idle 1"]', "there is an instruction 'timer' already"),
        ('"Rearm NS" = ["timer NS"]', "expected a name in small letters"),
        ('"rearm ns" = ["timer ns"]', "parameters in capitals"),
        ('"" = ["user"]', "expected a name in small letters"),
        ('"rearm NS" = []', "expected a list of lines"),
        ('"rearm NS" = "timer NS"', "expected a list of lines"),
        ('"rearm NS" = [1]', "expected a list of lines"),
        ('"rearm NS" = ["user"]', "parameter NS is used in no line"),
        ('"rearm NS NS" = ["timer NS"]', "parameter NS is twice"),
        ('"rearm NS" = ["timer NS"]', "'rearm 100 1': expected rearm NS"),
        ('"rearm A B" = ["timer A B"]', "'timer 100 1': expected timer NS"),
        ('"rearm A B" = ["rearm A B"]', "'rearm 100 1': unknown instruction"),
    ],
)
def test_what_is_wrong_is_said(instructions: str, words: str) -> None:
    text = refused(scenario(instructions))
    assert text.startswith("x.toml")
    assert words in text


def test_it_must_be_a_table() -> None:
    assert "expected a table" in refused(f"instructions = 3\n{HEAD}{VCPU}")


def test_growth_is_bounded() -> None:
    """Forty instructions that double each other would fill all memory."""
    names = [f"x{n}" for n in range(40)]
    pairs = [f'"{b}" = ["{a}", "{a}"]' for a, b in pairwise(names)]
    lines = ['"x0" = ["user"]', *pairs]
    text = scenario("\n".join(lines), '[[vcpu]]\nprogram = ["x39"]\n')
    assert "more than 1000 lines when written out" in refused(text)
