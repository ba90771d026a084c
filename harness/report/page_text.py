"""The page's own text: what it says without its script, as HTML. All of it is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from harness.report.brief import brief
from harness.report.chain import Said
from harness.report.clean import cleaned
from harness.report.course import Course
from harness.report.lanes import title_of
from harness.report.page_data import fact_text
from harness.report.states import COLUMNS, named
from harness.report.story import BREAK, CAUSE, FIRST, SECOND, Repeat, Story

__all__ = ["facts_list", "safe", "safe_lines", "steps_table", "story_table", "table_of"]

MARKS = {FIRST: "1 of the pair", SECOND: "2 of the pair", CAUSE: "the cause", BREAK: "the break"}


def safe(text: object) -> str:
    """Return text as it may stand anywhere in the page."""
    return escape(cleaned(str(text)), quote=True)


def safe_lines(text: str) -> str:
    """Return several lines of text as they may stand in a ``pre``."""
    return "\n".join(map(safe, text.splitlines()))


def facts_list(said: Iterable[Said], commands: Sequence[Said] = ()) -> str:
    """Return sentences under their words, then commands to be copied, as a definition list."""
    rows = [f"<dt>{safe(one.label)}</dt><dd>{safe(one.text)}</dd>" for one in said]
    rows += [
        f'<dt>{safe(one.label)}</dt><dd><code class="cmd long">{safe(one.text)}</code></dd>'
        for one in commands
    ]
    return f'<dl class="facts">{"".join(rows)}</dl>'


def table_of(head: Sequence[str], rows: Iterable[str]) -> str:
    """Return a table of text; the rows are HTML."""
    cells = "".join(f'<th scope="col">{safe(name)}</th>' for name in head)
    return (
        f'<table class="text"><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def story_table(story: Story) -> str:
    """Return the story as a table, with the state of the interrupt concerned."""
    course = story.course
    about = named(story.about[0]) if story.about else "no interrupt"
    rows = []
    for line in story.lines:
        if isinstance(line, Repeat):
            text = f"steps {line.first} to {line.last} come {line.times} times in a row"
            rows.append(f'<tr class="repeat"><td></td><td colspan="7">{safe(text)}</td></tr>')
            continue
        turn = course.turns[line.turn]
        marks = ", ".join(MARKS[mark] for mark in line.marks)
        states = "".join(f'<td class="state">{safe(text)}</td>' for text in line.state)
        what = "; ".join(map(brief, line.told))
        rows.append(
            f'<tr class="{" ".join(line.marks)}"><td>{turn.number}</td>'
            f"<td>{safe(title_of(turn.who))}</td><td><code>{safe(turn.op)}</code> {safe(what)}</td>"
            f"{states}<td>{safe(marks)}</td></tr>"
        )
    table = table_of(("step", "who", "what happens", *COLUMNS, ""), rows)
    return f'{table}<p class="legend">{safe(f"The state is that of {about} after each step.")}</p>'


def steps_table(course: Course) -> str:
    """Return every step as a table."""
    rows = (
        f'<tr><td>{turn.number}</td><td class="num">{turn.t}</td><td>{safe(turn.who.task)}</td>'
        f"<td><code>{safe(turn.op)}</code></td>"
        f"<td>{safe('; '.join(map(fact_text, turn.facts)))}</td></tr>"
        for turn in course.turns
    )
    return table_of(("step", "time/ns", "task", "operation", "what came of it"), rows)
