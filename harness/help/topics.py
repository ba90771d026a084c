"""The topics of ``vgic-race help``, and where the text of each is."""

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from harness.errors import unknown_name

__all__ = ["TOPICS", "text_of", "whole_text"]

TOPICS: dict[str, str] = {
    "start": "from nothing to a failure and back, in ten minutes",
    "commands": "every command with its options",
    "scenarios": "the language of scenarios and guest programs",
    "variants": "what can be tested: eras, bugs put back, code of your own",
    "rules": "what is checked, and which rules",
    "strategies": "what makes the choices, and the knobs",
    "campaigns": "many schedules: budgets, evidence, and what a clean run is worth",
    "verdicts": "verdicts and exit codes",
    "log-format": "schedules, logs, and how to ask them",
    "extending": "variants, rules, strategies, instructions, scenarios and tests of your own",
}
"""Every topic with its line in the list."""
ELSEWHERE = {"log-format": "logs/README.md"}
"""Where a checkout has the text of a topic; the wheel has it beside the others."""
ENDS = {"log-format": "\n## Every event\n\n<!-- made of events -->\n"}
"""What is put behind a text that is read elsewhere, too."""
MADE = re.compile(r"^<!-- made of (?P<name>[a-z-]+) -->$", re.MULTILINE)
"""Stands where something is put that a registry knows (``harness.help.made``)."""


def text_of(topic: str) -> str:
    """Return the text of a topic as it is written, with its marks.

    Raises:
        UsageError: there is no such topic; the nearest one is named.

    """
    if topic not in TOPICS:
        raise unknown_name("topic", topic, TOPICS)
    file = resources.files("harness.help") / f"{topic}.md"
    if topic in ELSEWHERE and not file.is_file():
        return (Path(__file__).parents[2] / ELSEWHERE[topic]).read_text(encoding="utf-8")
    return file.read_text(encoding="utf-8")


def whole_text(topic: str, made: dict[str, Callable[[], str]]) -> str:
    """Return the text of a topic, with what is ``made`` in its place.

    Raises:
        UsageError: there is no such topic.
        KeyError: a mark names nothing that can be made.

    """
    text = text_of(topic) + ENDS.get(topic, "")
    return MADE.sub(lambda mark: made[mark["name"]](), text)
