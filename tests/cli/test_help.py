"""``vgic-race help``: every topic, what it takes from the registries, and plain text."""

from functools import cache
from pathlib import Path

import click
import pytest

from harness.campaign.plan import STRATEGIES
from harness.cli.main import group
from harness.help.made import MADE
from harness.help.plain import to_plain
from harness.help.topics import ELSEWHERE, TOPICS, text_of, whole_text
from harness.kvm.hooks import hooks
from harness.log.registry import REGISTRY
from harness.museum import patches
from harness.project import Settings
from harness.scenarios.instructions import entries
from harness.scenarios.schema import Scenario
from harness.spec import KNOBS
from harness.verdict import MEANINGS
from model.facts import KINDS
from model.rules.registry import RULES
from model.rules.sometimes import NAMES
from tests.cli.documents import commands, mentioned
from tests.cli.support import Cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_topics_are_listed(cli: Cli) -> None:
    out = cli("help").out
    for topic, line in TOPICS.items():
        assert f"{topic:{max(map(len, TOPICS))}}  {line}" in out
    cli("help", "extend").refused("unknown topic 'extend'", "'extending'")
    written = {file.stem for file in (ROOT / "harness/help").glob("*.md")}
    assert written | set(ELSEWHERE) == set(TOPICS)


@cache
def printed(topic: str) -> str:
    """What the command prints of a topic, which is made once."""
    return to_plain(whole_text(topic, MADE))


def test_the_command_prints_a_topic(cli: Cli) -> None:
    done = cli("help", "verdicts")
    assert (done.code, done.out, done.err) == (0, printed("verdicts"), "")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_plain_text(topic: str) -> None:
    text = printed(topic)
    assert "<!--" not in text
    assert "**" not in text
    if topic not in ELSEWHERE:
        assert [line for line in text.splitlines() if len(line) > 80] == []


def test_what_a_registry_knows_is_all_there() -> None:
    text = printed
    scenarios = text("scenarios")
    flat = " ".join(scenarios.split())
    assert [x.form for x in entries() if f" {x.form} {x.what}" not in flat] == []
    assert [name for name in Scenario.__struct_fields__ if f"  {name}" not in scenarios] == []
    assert [name for name in NAMES if name not in scenarios] == []
    rules = text("rules")
    assert [name for name in RULES if f"\n  {name} " not in rules] == []
    assert [cls.__name__ for cls in KINDS.values() if f"facts.{cls.__name__}" not in rules] == []
    assert [name for name in patches() if f"\n  {name} " not in text("variants")] == []
    strategies = text("strategies")
    assert [name for name in (*STRATEGIES, *KNOBS) if f"\n  {name} " not in strategies] == []
    verdicts = text("verdicts")
    assert [n for n, what in MEANINGS.items() if f"  {n:<4}  {what}" not in verdicts] == []
    campaigns = text("campaigns")
    for name in Settings.__struct_fields__:
        assert name.startswith("log_") or name in campaigns, name
    log = text("log-format")
    assert [name for name in REGISTRY if f"\n  {name} " not in log] == []
    assert [name for name in hooks() if name not in MADE["hooks"]()] == []


def test_commands_are_all_there() -> None:
    out = printed("commands")
    for path, command in walk():
        assert f"\n{path}\n" in out
        for option in options(command):
            assert option in out


def walk(of: click.Command = group, path: str = "vgic-race") -> list[tuple[str, click.Command]]:
    if not isinstance(of, click.Group):
        return [(path, of)]
    context = click.Context(of)
    found = []
    for name in of.list_commands(context):
        inner = of.get_command(context, name)
        assert inner is not None
        found += walk(inner, f"{path} {name}")
    return found


def options(command: click.Command) -> list[str]:
    return [o for p in command.params if isinstance(p, click.Option) for o in (*p.opts,
            *p.secondary_opts)]  # fmt: skip


@pytest.mark.parametrize("name", ["README.md", *TOPICS])
def test_what_is_mentioned_exists(name: str) -> None:
    """Commands and options in the running text, and in blocks, are those that there are."""
    text = README if name == "README.md" else text_of(name)
    known = {path.removeprefix("vgic-race "): command for path, command in walk()}
    for words in [*commands(text), *mentioned(text)]:
        first = words[0]
        assert first.startswith("--") or any(
            first in (path.split()[0], "...", "COMMAND") or first in path.split()[0].split("|")
            for path in known
        ), words
        path = first if first in known else " ".join(words[:2])
        command = known.get(path)
        given = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
        if command is not None:
            assert given <= {*options(command), "--help"}, words


# -- plain text ------------------------------------------------------------------------------------


def test_paragraphs_and_items_are_filled() -> None:
    text = "# Head\n\nOne **two** [three](a.md)\nfour.\n\n- item one\n  goes on\n- item two\n"
    assert to_plain(text, 20).splitlines() == [
        "Head", "====", "", "One two three (a.md)", "four.", "", "  - item one goes on",
        "  - item two",
    ]  # fmt: skip


def test_code_stays_as_it_is() -> None:
    text = "```python\nx  =  1\n\n\ny\n```\n\n```\ncommand   --a\n```\n"
    assert to_plain(text) == "x  =  1\n\n\ny\n\n    command   --a\n"


def test_a_table_is_laid_out_or_told_by_rows() -> None:
    text = "| a | b |\n|---|---|\n| one | two \\| three |\n"
    assert to_plain(text, 60).splitlines() == ["  a    b", "  one  two | three"]
    wide = f"| a | b |\n|---|---|\n| {'x' * 30} | two |\n"
    assert to_plain(wide, 60).splitlines() == [f"  {'x' * 30}", "      two"]
