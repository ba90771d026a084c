"""Options that mean the same in every command, and what they come to."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from harness.verdict import MEANINGS

__all__ = ["EPILOG", "engine_option", "json_option", "knob_option", "rules_option", "size_options"]

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = f"Exit codes: {'; '.join(f'{code} {text}' for code, text in MEANINGS.items())}."


def size_options(command: F) -> F:
    """Add ``--pcpus``, ``--vcpus`` and ``--lrs`` (default: the scenario's)."""
    for name, what in (
        ("lrs", "List Registers per CPU, 1 to 16"),
        ("vcpus", "virtual CPUs, 1 to 32"),
        ("pcpus", "physical CPUs, 1 to 32"),
    ):
        command = click.option(f"--{name}", type=int, default=None, help=f"{what} [scenario's].")(
            command
        )
    return command


def knob_option(command: F) -> F:
    """Add ``--knob NAME=VALUE``, repeatable."""
    return click.option(
        "--knob", "knobs", multiple=True, metavar="NAME=VALUE", help="Set a knob (see list knobs)."
    )(command)


def rules_option(command: F) -> F:
    """Add ``--rules``: ids, groups and rules of the user's own, divided by commas."""
    return click.option(
        "--rules",
        metavar="all|guest|kvm|ID|FILE.py:CLASS,...",
        help="Check these rules only [all, and the project's; see list rules].",
    )(command)


def engine_option(command: F) -> F:
    """Add ``--engine``."""
    return click.option(
        "--engine",
        type=click.Choice(["trio", "direct"]),
        default="trio",
        show_default=True,
        help="Run the actors as Trio tasks, or step them in a plain loop; results are the same.",
    )(command)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="JSON lines on stdout, the last one a summary."
    )(command)
