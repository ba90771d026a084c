"""Scenarios as guests in C, and why some cannot be; nothing is compiled here."""

import re

import pytest

from harness.errors import UsageError
from harness.kernel.compile import compile_scenario, devices_of, notes_of, why_not
from harness.scenarios.instructions import entries
from harness.scenarios.schema import Scenario, builtin_names, load_builtin, parse

SOURCES = ("scene.h", "devices.h", "driver.h", "cpu.h", "execute.h")


def scenario(program: list[str], **fields: object) -> Scenario:
    lines = [f"{name} = {str(value).lower()}" for name, value in fields.items()]
    body = ", ".join(f'"{line}"' for line in program)
    head = ["name = 'x'", "title = 'x'", *lines, "[[vcpu]]", f"program = [{body}]"]
    device = ["[[forward]]", "kind = 'software'", "signals = 'edge'", "vintid = 80"]
    return parse("\n".join([*head, *device]), "test")


def calls(text: str, name: str) -> list[str]:
    body = re.search(rf"static void {name}\(int v\)\n{{\n(.*?)\n}}", text, re.DOTALL)
    assert body is not None
    return [line.strip() for line in body[1].splitlines()]


def test_a_program_is_a_call_for_each_line() -> None:
    text = compile_scenario(load_builtin("timer-wfi"), 1, 3)
    assert calls(text, "program_0")[1:-1] == [
        "timer(v, 100);", "idle(v, 1);", "pmr(v, 0);", "timer(v, 50);", "user(v);",
        "pmr(v, 240);", "idle(v, 2);",
    ]  # fmt: skip


def test_blocks_are_closed_where_they_end() -> None:
    program = ["repeat 2", "iar", "if-acked 27", "silence", "eoi", "end", "work 1", "end", "work 2"]
    text = compile_scenario(scenario(program), 1, 3)
    assert calls(text, "program_0")[1:-1] == [
        "for (int n0 = 0; n0 < 2; n0++) {", "acked = iar(v);", "if ((acked & 0x3ff) == 27) {",
        "silence(v, acked);", "eoi(v, acked);", "}", "work(v, 1);", "}", "work(v, 2);",
    ]  # fmt: skip


def test_a_block_at_the_end_is_closed() -> None:
    text = compile_scenario(scenario(["iar", "if-acked 3", "eoi", "end"]), 1, 3)
    assert text.count("{") == text.count("}")


def test_every_instruction_compiles() -> None:
    for entry in entries():
        if entry.words[0] in ("lpis", "inv", "movi", "clear", "igroup") or entry.name == "cpu off":
            continue  # refused: see below
        compiled = compile_scenario(scenario(list(entry.example)), 2, 3, software=True)
        assert "static void program_0" in compiled, entry.name


def test_all_that_is_called_is_there() -> None:
    from importlib.resources import files

    folder = files("harness.kernel") / "guests"
    there = "".join((folder / name).read_text(encoding="utf-8") for name in SOURCES)
    for name in builtin_names():
        loaded = load_builtin(name)
        text = compile_scenario(loaded, loaded.vcpus or len(loaded.vcpu), 3, software=True)
        for call in set(re.findall(r"^ +(?:acked = )?(\w+)\(v", text, re.MULTILINE)):
            known = re.search(rf"(static (inline )?\w+|CONTROL\(|WAIT_UNTIL\() ?{call}\b", there)
            assert known or f"void {call}(int v)" in text, call


def test_what_no_real_guest_can_do_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="only interrupts that Linux maps so are the timers'"):
        compile_scenario(load_builtin("spi-level"), 1, 3)
    with pytest.raises(UsageError, match="no ITS"):
        compile_scenario(load_builtin("lpi"), 1, 3)
    with pytest.raises(UsageError, match="at most 8"):
        compile_scenario(load_builtin("timer-wfi"), 9, 3)
    with pytest.raises(UsageError, match="powers a VCPU off"):
        compile_scenario(scenario(["work 1", "cpu off"]), 1, 3)
    with pytest.raises(UsageError, match="not compiled yet"):
        compile_scenario(scenario(["igroup 27 0", "igroup 27 1"]), 1, 3)
    assert "GICv2" in why_not(load_builtin("reset"), 2, 2, software=True)
    assert why_not(load_builtin("reset"), 2, 3, software=True) == ""
    assert why_not(load_builtin("spi-resample"), 1, 3) == ""


def test_devices_of_software_are_what_the_scenario_says() -> None:
    chain = devices_of(load_builtin("overflow-dir"))
    assert [(each.intid, each.signals, each.follows) for each in chain] == [
        (80, "edge", -1), (81, "level", 0), (82, "edge", 1),
    ]  # fmt: skip
    assert [each.exits for each in chain] == [False, True, False]
    (resample,) = devices_of(load_builtin("spi-resample"))
    assert resample.word() == "80,resample,3,-1"
    assert "of software" in " ".join(notes_of(load_builtin("spi-edge")))
    assert notes_of(load_builtin("spi-resample")) == ()
