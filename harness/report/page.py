"""One HTML page that has everything in it: the story, the chart, the machine at every step.

It loads nothing, and works from a file. What comes of a log stands in it as escaped text and as
JSON; a policy in the page itself lets no script run but the page's own.
"""

import base64
import hashlib
import re
import shlex
from importlib import resources
from typing import Any

import msgspec

from harness.log.reader import Log
from harness.log.record import program_version
from harness.report.align import align
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
from harness.report.course import Course, course_of
from harness.report.known import unmodified
from harness.report.page_data import interrupts_of, run_data
from harness.report.page_text import facts_list, safe, safe_lines, steps_table, story_table
from harness.report.passing import passing_course
from harness.report.states import LEGENDS
from harness.report.story import tell
from harness.report.terminal import Report, base_of
from harness.search.explanation import Explanation

__all__ = ["Section", "failure_page", "failure_section", "page_of"]

SCRIPTS = ("data.js", "chart.js", "panel.js", "app.js")
MARK = re.compile(r"\{\{(\w+)\}\}")


class Section(msgspec.Struct, frozen=True):
    """A story in a page: its HTML, and what its chart is drawn from.

    ``name`` is its anchor in the page.
    """

    name: str
    html: str
    data: dict[str, Any]


def failure_page(
    log_or_run: Log | Course,
    explanation: Explanation | None = None,
    finding: Known | None = None,
    report: Report = Report(),  # noqa: B008  # a value
) -> bytes:
    """Return the page of one execution; the arguments are those of ``terminal.show_failure``."""
    course = log_or_run if isinstance(log_or_run, Course) else course_of(log_or_run)
    section = failure_section("story", course, explanation, finding, report)
    title = f"{course.verdict}: {headline(course.header)}"
    if course.violation is not None:
        title = f"{course.violation.rule} in {headline(course.header)}"
    return page_of(title, section.html, [section])


def failure_section(
    name: str,
    course: Course,
    explanation: Explanation | None = None,
    finding: Known | None = None,
    report: Report = Report(),  # noqa: B008  # a value
    *,
    level: int = 1,
    lazy: bool = False,
) -> Section:
    """Return an execution as a section of a page.

    ``level`` is that of its heading; ``lazy``: its chart is drawn when it comes into sight.
    """
    story = tell(course, explanation)
    name_of_run = "fails" if course.violations else course.verdict
    other = passing_course(course, explanation)
    aligned: list[tuple[int, int]] = []
    if other is None:
        runs = [run_data(story, name_of_run, interrupts_of(story))]
    else:
        beside = tell(other, like=story)
        interrupts = interrupts_of(story, beside)
        runs = [run_data(story, name_of_run, interrupts), run_data(beside, "passes", interrupts)]
        aligned = align(course.turns, other.turns)
    chain = chain_of(explanation, finding)
    base = base_of(explanation, report)
    if base is not None:
        chain.insert(0, Said("unmodified", unmodified(course.header, base)))
    if course.violations and finding is None:
        chain.append(Said("known", not_known(course.header.variant)))
    replay = report.replay or how_to_replay(course.header, report.place)
    packed = compact_of(course.header)
    html = "\n".join((
        f'<section id="{safe(name)}"{" data-lazy" if lazy else ""}>',
        *heading(course, report, level),
        facts_list(
            [*chain, *what_decides(explanation), *figures(course)],
            [Said("replay", f"vgic-race replay {shlex.quote(replay)}")],
        ),
        '<div class="chart"></div>',
        legend(),
        '<details class="alternative" open><summary>The story as text</summary>',
        story_table(story),
        "</details>",
        '<details class="noprint"><summary>The schedule, to paste into a mail</summary>',
        f"<p>What reads it: <code>vgic-race replay -</code></p><pre>{safe_lines(packed)}</pre>",
        "</details>",
        f'<details class="noprint"><summary>All {course.steps} steps as text</summary>',
        steps_table(course),
        "</details>",
        "</section>",
    ))  # fmt: skip
    return Section(name, html, {"runs": runs, "aligned": aligned})


def legend() -> str:
    """Return what the chart's letters mean, and which keys it knows."""
    letters = "; ".join(LEGENDS)
    keys = (
        "Keys: up and down (k, j) go from step to step, Home and End to the ends, 1 and 2 to the "
        "deciding pair, c to the cause, x to the break, a shows all steps or the story."
    )
    return (
        f'<p class="legend">{safe(letters)}; @1: on CPU 1. '
        f'<span class="noprint needs-script">{safe(keys)}</span></p>'
    )


def heading(course: Course, report: Report, level: int) -> list[str]:
    """Return verdict, sentence and rule."""
    violation = course.violation
    what = f"{safe(headline(course.header))}{safe(report.note)}"
    if violation is None:
        return [f"<h{level}>{safe(course.verdict)}: {what}</h{level}>"]
    others = [v.rule for v in course.violations if v.rule != violation.rule]
    also = f" Also broken: {', '.join(dict.fromkeys(others))}." if others else ""
    return [
        f'<h{level}><span class="bad">Violated</span>: {what}</h{level}>',
        f'<p class="lead">{safe(violation.text)} (step {violation.step}).</p>',
        f'<p class="rule">{safe(rule_text(violation))}.{safe(also)}</p>',
    ]


def figures(course: Course) -> list[Said]:
    """Return what else there is to know of an execution."""
    header, setting = course.header, course.header.setting
    sizes = f"{setting.pcpus} pCPUs, {setting.vcpus} VCPUs, {setting.lrs} List Registers"
    knobs = "".join(f", {knob}" for knob in header.knobs)
    end = "" if course.complete else "; the log ends early"
    return [
        Said("run", f"{course.steps} steps on {sizes}{knobs}, era {header.era}{end}"),
        Said("recorded by", f"vgic-race {header.version}, scenario {header.scenario_digest}"),
    ]


def page_of(title: str, body: str, sections: list[Section]) -> bytes:
    """Put a page together.

    Args:
        title: its title, as text.
        body: its body, as HTML.
        sections: the stories in it, whose charts its script draws; more than one are drawn as they
            come into sight.

    """
    style = "\n" + asset("page.css")
    script = '\n(() => {\n"use strict";\n' + "\n".join(map(asset, SCRIPTS)) + "})();\n"
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'"
    )
    values = {
        "policy": policy,
        "title": safe(title),
        "style": style,
        "body": body,
        "version": safe(program_version()),
        "data": "\n".join(map(data_block, sections)),
        "script": script,
    }
    return MARK.sub(lambda found: values[found[1]], asset("page.html")).encode()


def asset(name: str) -> str:
    """Return a file of the page."""
    return (resources.files("harness.report") / "page" / name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """Return the hash by which the page's policy knows one of its own blocks."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def data_block(section: Section) -> str:
    """Return a section's data as a block that holds no tag, whatever the data says."""
    text = msgspec.json.encode(section.data).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f'<script type="application/json" data-for="{safe(section.name)}">{text}</script>'
