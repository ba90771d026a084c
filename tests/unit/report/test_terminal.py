"""The terminal report: every width, pipes, no colours, no UTF-8; and what it must say."""

import io
import re

import msgspec
import pytest
from rich.console import Console

from harness.engine.compact import unpack
from harness.report.beside import ROWS_MAX, show_beside
from harness.report.campaign_text import campaign_table
from harness.report.console import make_console
from harness.report.course import Course
from harness.report.terminal import Report, show_failure, show_story
from harness.search.explanation import Explanation
from tests.unit.report.runs import STORM, Finding, course, explained, log_of, story

ESCAPE = re.compile(r"\x1b\[")


class Ascii(io.StringIO):
    """A stream that takes no more than ASCII."""

    encoding = "ascii"

    def write(self, text: str) -> int:
        text.encode("ascii")
        return super().write(text)


def report(
    run: Course, width: int = 80, explanation: Explanation | None = None,
    file: io.StringIO | None = None, note: str = "",
) -> str:  # fmt: skip
    out = file or io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    finding = Finding() if explanation else None
    show_failure(console, run, explanation, finding, Report(replay="a.schedule", note=note))
    return out.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [50, 80, 132])
@pytest.mark.parametrize("variant", ["v4.14+23", "v4.14+1"])
def test_it_fits(variant: str, width: int) -> None:
    out = report(course(variant), width, explained(variant))
    packed = re.search(r"  \[BEGIN .*END [^\n]*\n", out, re.DOTALL)
    assert packed is not None
    lines = out.replace(packed[0], "").splitlines()
    assert max(map(len, lines)) <= width
    assert str(unpack(packed[0])) == course(variant).header.schedule
    assert lines[-1] == "reproduce: vgic-race replay a.schedule"
    assert lines[0].startswith("VIOLATED ")


def test_it_says_what_a_maintainer_asks() -> None:
    run, explanation = course("v4.14+1"), explained("v4.14+1")
    text = words(report(run, explanation=explanation))
    assert run.violation is not None
    assert words(run.violation.text) in text
    assert "R23: at load and entry" in text
    assert "also: I1" in text
    assert "known F2: a deactivation is lost" in text
    for label in ("cause", "rule", "symptom", "order", "window", "switches", "too late"):
        assert f" {label} " in text
    assert "1, 2: the pair whose order decides" in text
    assert " 100% " in text
    assert "the state of vINTID 27 of VCPU 0" in text


def test_the_passing_execution_stands_beside_it_from_where_they_part() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80)
    show_beside(console, course("v4.14+1"), course("v4.14+1"))
    assert out.getvalue() == ""
    show_beside(console, course("v4.14+1"), course("v4.14+1", clean=True))
    lines = [line for line in out.getvalue().splitlines() if re.match(r" +\d", line)]
    assert 3 < len(lines) <= ROWS_MAX
    left, right = halves(lines[0])
    assert left.split()[:3] == right.split()[:3], "the last step in common"
    assert any(left != right for left, right in map(halves, lines[1:]))
    assert max(map(len, out.getvalue().splitlines())) <= 80


def halves(line: str) -> tuple[str, str]:
    return line[:40].strip(), line[40:].strip()


def test_marks_stand_in_the_actors_lane() -> None:
    out = report(course("v4.14+1"), explanation=explained("v4.14+1"))
    pair = explained("v4.14+1").pairs[0]
    for moment, mark in ((pair.first, "1"), (pair.second, "2")):
        line = next(s for s in out.splitlines() if s.split()[:1] == [str(moment.step)])
        assert mark in line.split()[1:6]
    assert "✗" in out


def test_lanes_become_names_where_there_is_no_room() -> None:
    assert " who " in report(course("v4.14+23"), 60)
    assert " who " not in report(course("v4.14+23"), 80)


def test_a_stream_without_utf8_is_spared(capsys: pytest.CaptureFixture[str]) -> None:
    out = report(course("v4.14+23"), file=Ascii())
    assert "✗" not in out
    assert " X " in out


def test_a_log_cannot_speak_to_the_terminal() -> None:
    run = course("v4.14+23")
    evil = "\x1b[31m[bold]evil[/bold]\x07"
    turns = tuple(msgspec.structs.replace(turn, op=evil) for turn in run.turns)
    header = msgspec.structs.replace(run.header, scenario=evil, variant=evil)
    out = report(msgspec.structs.replace(run, turns=turns, header=header), 200)
    assert not ESCAPE.search(out)
    assert "\x07" not in out
    assert "[bold]evil[/bold]" in out


def test_a_loop_is_told_once() -> None:
    out = io.StringIO()
    show_story(Console(file=out, width=80), story(STORM))
    assert re.search(r"steps \d+-\d+ come \d+ times in a row", words(out.getvalue()))


def test_pipes_have_80_columns_and_no_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert make_console().width == 80
    show_failure(make_console(), log_of("v4.14+23"))
    assert not ESCAPE.search(capsys.readouterr().out)
    monkeypatch.setenv("COLUMNS", "61")
    assert make_console().width == 61


def test_no_color_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def colours() -> int:
        out = io.StringIO()
        console = Console(file=out, width=80, force_terminal=True, highlight=False, markup=False)
        show_failure(console, course("v4.14+23"))
        return len(re.findall(r"\x1b\[[0-9;]*3[1-6]", out.getvalue()))

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours()


def test_a_campaign_fits() -> None:
    from harness.campaign.plan import Plan
    from harness.campaign.summary import Campaign, Tally
    from harness.scenarios.schema import builtin_names
    from harness.spec import RunSpec

    specs = [RunSpec.make(s, f"v7.2+{v}") for s in builtin_names() for v in ("44+F2+F3", "1")]
    tallies = [Tally.make(spec, 3) for spec in specs]
    for n, tally in enumerate(tallies):
        tally.schedules = tally.steps = 10**n if n < 8 else 12345
        tally.broken = {"R23": 12, "I8": 1} if n % 3 else {}
    out = io.StringIO()
    Console(file=out, width=80).print(
        campaign_table(Campaign(Plan(tuple(specs), 1), tallies), verbose=False)
    )
    assert max(map(len, out.getvalue().splitlines())) <= 80
