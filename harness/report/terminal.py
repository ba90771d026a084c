"""A failure on a terminal: read from top to bottom, in 80 columns or whatever there is."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.log.reader import Log
from harness.places import shown
from harness.report.beside import show_beside
from harness.report.brief import brief
from harness.report.chain import (
    Known,
    Said,
    chain_of,
    compact_of,
    headline,
    how_to_replay,
    not_known,
    rule_text,
    what_decides,
)
from harness.report.clean import cleaned
from harness.report.course import Course, Turn, course_of
from harness.report.known import unmodified
from harness.report.lanes import Lane, lane_of, lanes_of
from harness.report.passing import passing_course
from harness.report.states import COLUMNS, LEGENDS, named
from harness.report.story import BREAK, CAUSE, FIRST, SECOND, Line, Repeat, Story, tell
from harness.search.explanation import Explanation
from harness.user_rules import own_of, spelt
from model.check.violation import Violation

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Report",
    "base_of",
    "hung",
    "plain",
    "reproducer",
    "show_failure",
    "show_short",
    "show_story",
]

LANES_MAX = 8
COMPACT_MAX = 16
"""A schedule that takes more lines is left to its file."""
LANES_WIDTH = 70
"""A terminal that is narrower has a column with names in place of lanes."""
SIGNS = {FIRST: ("1", "bold red"), SECOND: ("2", "bold red"), CAUSE: ("C", "bold magenta")}
STYLES = ("cyan", "green", "yellow", "blue", "magenta")


class Report(msgspec.Struct, frozen=True):
    """What a report says besides of an execution.

    Attributes:
        note: what else the first line says, such as the number of the schedule.
        place: the file of the log, if it is in one.
        replay: what ``vgic-race replay`` takes; made of the log if it is not given.
        rules: the rules that alone were checked, where not all were.
        short: how much shorter this is than what was found, where it was shrunk.
        base: how the unmodified era fails in the same scenario, if it does.
        found: the log of what was found, where this was made of it.
        symptom: what a guest suffers, where that was looked for.

    """

    note: str = ""
    place: Path | None = None
    replay: str = ""
    rules: tuple[str, ...] | None = None
    short: str = ""
    base: Violation | None = None
    found: Path | None = None
    symptom: str = ""


def show_failure(
    console: "Console",
    log_or_run: Log | Course,
    explanation: Explanation | None = None,
    finding: Known | None = None,
    report: Report = Report(),  # noqa: B008  # a value
) -> None:
    """Print what is known of a failing execution; the last line is how to have it again.

    Args:
        console: where to.
        log_or_run: the log of the execution, or what was made of it.
        explanation: why it fails, as far as that was looked into.
        finding: the known finding that it is, if it is one.
        report: where the log is, and what else there is to say.

    """
    course = log_or_run if isinstance(log_or_run, Course) else course_of(log_or_run)
    header = course.header
    base = base_of(explanation, report)
    if base is not None:
        hung(console, Text(cleaned(unmodified(header, base)), "bold yellow"))
    if course.violations:
        show_short(console, headline(header) + report.note, course.violations)
    else:
        console.print(Text(f"{course.verdict} {cleaned(headline(header))}{report.note}", "bold"))
    for said in chain_of(explanation, finding):
        show_said(console, said)
    if course.violations and finding is None:
        show_said(console, Said("known", not_known(course.header.variant)))
    if report.symptom:
        show_said(console, Said("symptom", report.symptom))
    if report.short:
        show_said(console, Said("shrunk", report.short))
    show_story(console, tell(course, explanation))
    for said in what_decides(explanation):
        show_said(console, said)
    other = passing_course(course, explanation)
    if other is not None:
        show_beside(console, course, other)
    if report.place is not None:
        plain(console, f"  log: {shown(report.place)}")
    if report.found is not None:
        plain(console, f"  as found: {shown(report.found)}")
    what = report.replay or how_to_replay(header, report.place)
    if what != header.schedule:
        show_compact(console, course)
    if course.violations and explanation is None and report.place is not None:
        plain(console, f"  which steps decide: vgic-race why {shlex.quote(shown(report.place))}")
    plain(console, reproducer(what, report.rules))


def base_of(explanation: Explanation | None, report: Report) -> Violation | None:
    """Return how the unmodified era fails in the same scenario, as far as that is known."""
    return report.base if explanation is None or explanation.base is None else explanation.base


def reproducer(what: str, rules: tuple[str, ...] | None = None) -> str:
    """Return the line that has a failure again; ``rules`` are those that alone were checked."""
    names = spelt(rules, own=own_of(rules or ()))  # what is replayed names these itself
    only = f"--rules {shlex.quote(names)} " if names else ""
    return f"reproduce: vgic-race replay {only}{shlex.quote(what)}"


def show_compact(console: "Console", course: Course) -> None:
    """Print a long schedule in the form that survives a mail, unless it is very long."""
    lines = compact_of(course.header).splitlines()
    if lines and len(lines) <= COMPACT_MAX:
        console.print("  anywhere else, paste these lines into: vgic-race replay -")
        for line in lines:
            plain(console, f"  {line}")


def show_short(console: "Console", what: str, violations: Sequence[Violation]) -> None:
    """Print the verdict, the rule that is broken, and in one sentence how."""
    first = violations[0]
    console.print(Text.assemble(("VIOLATED", "bold red"), f" {cleaned(what)}"))
    hung(console, Text(cleaned(rule_text(first)), "bold"))
    hung(console, Text(f"{cleaned(first.text)} (step {first.step})"))
    others = dict.fromkeys(v.rule for v in violations if v.rule != first.rule)
    if others:
        hung(console, Text(cleaned(f"also: {', '.join(others)}")))


def plain(console: "Console", text: str) -> None:
    """Print a line that is to be copied: as it is, however long."""
    console.print(Text(cleaned(text)), soft_wrap=True)


def hung(console: "Console", text: Text) -> None:
    """Print a paragraph under the first line."""
    console.print(Padding(text, (0, 0, 0, 2)))


def show_said(console: "Console", said: Said) -> None:
    """Print a sentence under its word."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(min_width=10, no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_row(Text(said.label, "bold"), Text(cleaned(said.text)))
    console.print(Padding(grid, (0, 0, 0, 2)))


# -- the story -----------------------------------------------------------------------------------


def show_story(console: "Console", story: Story) -> None:
    """Print the story as a table: steps, lanes, what happened, and the state after each."""
    course = story.course
    about = named(story.about[0]) if story.about else "no interrupt"
    console.print()
    hung(console, Text(f"The story, with the state of {about} after each step:"))
    marks = {mark for line in story.lines if isinstance(line, Line) for mark in line.marks}
    table = StoryTable(console, story)
    console.print(table.table)
    legend = [LEGENDS[i] for i in table.columns]
    if FIRST in marks:
        legend.insert(0, "1, 2: the pair whose order decides")
    if story.shares:
        legend.append("fails: of the executions that go on from there")
    if CAUSE in marks:
        legend.insert(0, "C: the cause")
    if legend:
        console.print(Text("; ".join(legend), "dim"))
    told = len(story.lines)
    left = f"; {story.left} more switches are left out" if story.left else ""
    console.print(Text(f"{told} lines of {course.steps} steps{left}", "dim"))
    console.print()


class StoryTable:
    """Lays a story out."""

    def __init__(self, console: "Console", story: Story) -> None:
        self.story = story
        utf = console.encoding.lower().startswith("utf")
        self.box = box.SIMPLE_HEAD if utf else None
        self.dot, self.rail, self.cross = ("●", "│", "✗") if utf else ("o", "|", "X")
        lanes = lanes_of(turn.who for turn in story.turns)
        self.lanes = lanes if len(lanes) <= LANES_MAX and console.width >= LANES_WIDTH else []
        self.shares = story.shares
        states = [line.state for line in story.lines if isinstance(line, Line)]
        self.columns = [i for i in range(len(COLUMNS)) if any(s[i] != "-" for s in states)]
        self.table = self.made()

    def made(self) -> Table:
        """Make the table."""
        table = Table(box=self.box, padding=(0, 1, 0, 0), pad_edge=False, expand=True)
        table.add_column("step", justify="right", no_wrap=True)
        for lane in self.lanes:
            table.add_column(lane.title, no_wrap=True, min_width=len(lane.title))
        if not self.lanes:
            table.add_column("who", no_wrap=True)
        table.add_column("what happens", ratio=1, overflow="fold")
        for i in self.columns:
            width = max([len(COLUMNS[i]), *map(len, self.words(i))])
            table.add_column(COLUMNS[i], min_width=width)
        if self.shares:
            table.add_column("fails", justify="right", no_wrap=True)
        for line in self.story.lines:
            if isinstance(line, Repeat):
                table.add_row(*self.repeat(line))
            else:
                table.add_row(*self.row(line))
        return table

    def words(self, i: int) -> list[str]:
        """Return what stands in a column of states, cut at spaces: so wide it must be."""
        lines = [line for line in self.story.lines if isinstance(line, Line)]
        return [word for line in lines for word in line.state[i].split(" ")]

    def row(self, line: Line) -> list[Text]:
        """Return the cells of a turn."""
        turn = self.story.course.turns[line.turn]
        sign, style = next((SIGNS[m] for m in line.marks if m in SIGNS), (self.dot, ""))
        if BREAK in line.marks and sign == self.dot:
            sign, style = self.cross, "bold red"
        here = lane_of(turn.who)
        cells = [Text(str(turn.number))]
        for n, lane in enumerate(self.lanes):
            mine = lane == here
            own = style or STYLES[n % len(STYLES)]
            cells.append(Text(sign if mine else self.rail, own if mine else "dim"))
        if not self.lanes:
            mark = "" if sign == self.dot else f" {sign}"
            cells.append(Text(f"{turn.who.task}{mark}", style))
        cells.append(self.what(turn, line, here))
        for i in self.columns:
            cells.append(Text(line.state[i], "bold" if line.changed[i] else ""))
        if self.shares:
            failed, drawn = self.shares.get(line.turn, (0, 0))
            cells.append(Text(f"{failed / drawn:.0%}" if drawn else ""))
        return cells

    def what(self, turn: Turn, line: Line, lane: Lane) -> Text:
        """Return what a turn is, and what came of it."""
        name = f"{turn.who.task} " if lane.shared and self.lanes else ""
        text = Text.assemble(name, (cleaned(turn.op), "bold"))
        if line.told:
            text.append(" " + cleaned("; ".join(map(brief, line.told))))
        return text

    def repeat(self, line: Repeat) -> list[Text]:
        """Return the cells of a loop."""
        text = f"steps {line.first}-{line.last} come {line.times} times in a row"
        blank = [Text("")] * max(len(self.lanes), 1)
        rest = [Text("")] * (len(self.columns) + bool(self.shares))
        return [Text("..."), *blank, Text(text, "italic"), *rest]
