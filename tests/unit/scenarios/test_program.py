"""Guest programs: what each line becomes, and what is said of a line that is wrong."""

import pytest

from harness.errors import UsageError
from harness.scenarios.instructions import Entry, entries
from harness.scenarios.program import FORMS, LINES_MAX, compile_line, compile_program
from model import guest
from model.guest import Instruction


@pytest.mark.parametrize(
    ("line", "instruction"),
    [
        ("timer 100", Instruction(guest.TIMER, 100)),
        ("timer 0", Instruction(guest.TIMER, 0)),
        ("timer off", Instruction(guest.TIMER_OFF)),
        ("tval 100", Instruction(guest.TVAL, 100)),
        ("ptimer 100", Instruction(guest.PTIMER, 100)),
        ("ptimer off", Instruction(guest.PTIMER_OFF)),
        ("pidle 2", Instruction(guest.PIDLE, 2)),
        ("idle 2", Instruction(guest.IDLE, 2)),
        ("spin 1 12", Instruction(guest.SPIN, 1, 12)),
        ("work 3", Instruction(guest.WORK, 3)),
        ("irqs off", Instruction(guest.MASK, 1)),
        ("irqs on", Instruction(guest.MASK, 0)),
        ("pmr 0xF0", Instruction(guest.PMR, 0xF0)),
        ("pmr 0", Instruction(guest.PMR, 0)),
        ("ppi off", Instruction(guest.DISABLE, 27)),
        ("ppi on", Instruction(guest.ENABLE, 27)),
        ("serve", Instruction(guest.SERVE)),
        ("await 3", Instruction(guest.AWAIT, 3)),
        ("sgi 2 1", Instruction(guest.SGI, 2, 1)),
        ("enable 80", Instruction(guest.ENABLE, 80)),
        ("disable 80", Instruction(guest.DISABLE, 80)),
        ("pend 80", Instruction(guest.PEND, 80)),
        ("unpend 80", Instruction(guest.UNPEND, 80)),
        ("activate 80", Instruction(guest.ACTIVATE, 80)),
        ("deactivate 80", Instruction(guest.DEACTIVATE, 80)),
        ("target 80 1", Instruction(guest.TARGET, 80, 1)),
        ("read pending 80", Instruction(guest.READ_PENDING, 80)),
        ("read active 80", Instruction(guest.READ_ACTIVE, 80)),
        ("user", Instruction(guest.USER)),
        ("  idle   1  ", Instruction(guest.IDLE, 1)),
    ],
)
def test_line(line: str, instruction: Instruction) -> None:
    assert compile_program([line], "here") == (instruction, Instruction(guest.HALT))


def test_every_instruction_has_a_line() -> None:
    codes = {entry.fixed.code for entry in entries() if entry.fixed is not None}
    values = [getattr(guest, name) for name in guest.__all__]
    named = {value for value in values if isinstance(value, int) and value >= 0}
    assert codes | {guest.HALT, guest.RETURN, guest.AGAIN} == named


def test_an_empty_program_halts() -> None:
    assert compile_program([], "here") == (Instruction(guest.HALT),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "unknown instruction, expected one of: timer, idle, pidle"),
        ("rest 3", "'rest 3': unknown instruction"),
        ("Timer 3", "unknown instruction"),
        ("timer", "expected timer NS or timer off"),
        ("timer on", "expected timer NS or timer off"),
        ("timer 1 2", "expected timer NS or timer off"),
        ("timer 1.5", "expected timer NS or timer off"),
        ("ptimer", "expected ptimer NS or ptimer off"),
        ("ptimer on", "expected ptimer NS or ptimer off"),
        ("tval off", "expected tval NS"),
        ("pidle", "expected pidle N"),
        ("ptimer 1000000001", "the number must be 0 to 1000000000"),
        ("idle", "expected idle N"),
        ("idle many", "expected idle N"),
        ("spin 1", "expected spin N MAX"),
        ("spin 1 2 3", "expected spin N MAX"),
        ("irqs", "expected irqs off or irqs on"),
        ("irqs 1", "expected irqs off or irqs on"),
        ("irqs on on", "expected irqs off or irqs on"),
        ("ppi disabled", "expected ppi off or ppi on"),
        ("pmr", "expected pmr P"),
        ("user 1", "expected user"),
        ("pmr 256", "the number must be 0 to 255"),
        ("pmr -1", "the number must be 0 to 255"),
        ("work 0", "the number must be 1 to 1000"),
        ("work 1001", "the number must be 1 to 1000"),
        ("spin 1 1001", "the number must be 0 to 1000"),
        ("timer 1000000001", "the number must be 0 to 1000000000"),
        ("idle -1", "the number must be 0 to 1000"),
    ],
)
def test_wrong_line(line: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        compile_program(["idle 1", line], "my.toml, vcpu 3")
    assert message in str(error.value)
    assert str(error.value).startswith(f"my.toml, vcpu 3, program line 2: {line!r}")


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_limits_are_within_reach(entry: Entry) -> None:
    assert entry.words[0] in FORMS
    for numbers in ([x.low for x in entry.args], [x.high for x in entry.args]):
        line = " ".join([*entry.words, *map(str, numbers)])
        found, instruction = compile_line(line, "")
        assert found is entry
        if instruction is not None and numbers:
            assert [getattr(instruction, x.field) for x in entry.args] == numbers


def test_blocks_become_jumps() -> None:
    lines = ["repeat 3", "iar", "if-acked 27", "work 1", "end", "end", "user"]
    program = compile_program(lines, "here", ["iar", "repeat 2", "eoi", "end"])
    assert program == (
        Instruction(guest.REPEAT, 3),
        Instruction(guest.IAR),
        Instruction(guest.IF_ACKED, 27, 4),
        Instruction(guest.WORK, 1),
        Instruction(guest.AGAIN, 1),
        Instruction(guest.USER),
        Instruction(guest.HALT),
        Instruction(guest.IAR),
        Instruction(guest.REPEAT, 2),
        Instruction(guest.EOI, -1),
        Instruction(guest.AGAIN, 9),
        Instruction(guest.RETURN),
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["repeat 2", "work 1"], "line 1: 'repeat 2': the block has no 'end'"),
        (["work 1", "end"], "line 2: 'end': no block is open"),
        (["repeat 1"] * 9, "line 9: 'repeat 1': more than 8 blocks"),
        (["end 1"], "line 1: 'end 1': expected end"),
    ],
)
def test_wrong_blocks(lines: list[str], message: str) -> None:
    with pytest.raises(UsageError, match="here, program ") as error:
        compile_program(lines, "here")
    assert message in str(error.value)
    with pytest.raises(UsageError, match="here, handler "):
        compile_program(["work 1"], "here", lines)


def test_too_many_lines() -> None:
    assert len(compile_program(["user"] * LINES_MAX, "here")) == LINES_MAX + 1
    with pytest.raises(UsageError, match="here: the program has 201 lines, at most 200"):
        compile_program(["user"] * (LINES_MAX + 1), "here")
