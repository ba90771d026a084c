"""``vgic-race list NAME``: what one thing is."""

import textwrap
from typing import Any

import click

from harness.catalogue.explain import Item, explain
from harness.cli.output import print_json
from harness.verdict import CLEAN

__all__ = ["print_explanation"]

WIDTH = 100


def print_explanation(name: str, *, as_json: bool) -> None:
    """Print what all things of a name are.

    Raises:
        UsageError: there is none.
    """
    items = explain(name)
    if as_json:
        for item in items:
            print_json(item)
        print_json({"type": "summary", "verdict": CLEAN, "violations": [], "count": len(items)})
        return
    for n, item in enumerate(items):
        click.echo("\n" * bool(n) + f"{item['type']} {item['name']}: {item['title']}")
        for line in lines_of(item):
            click.echo(line)


def lines_of(item: Item) -> list[str]:
    """Return the lines that say what an item has beside its title; what is empty is left out."""
    lines: list[str] = []
    for key, value in item.items():
        if key in ("type", "name", "title") or value in ([], {}, "", None):
            continue
        label = f"  {key.replace('_', ' ')}: "
        many = value if isinstance(value, list) and key in ("says", "leaves", "programs") else None
        for text in many or [shown(value)]:
            lines += textwrap.wrap(
                text, WIDTH, initial_indent=label, subsequent_indent=" " * 6,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            label = "    "
    return lines


def shown(value: Any) -> str:
    """Return a value as text."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
