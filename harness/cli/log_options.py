"""Options that the ``log`` commands share: which lines are asked for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from harness.log.select import Selection

__all__ = ["FILTERS", "filter_options", "take_selection"]

F = TypeVar("F", bound=Callable[..., Any])

FILTERS = ("irq", "tasks", "pcpu", "vcpu", "events", "steps", "time", "since", "until")


def filter_options(command: F) -> F:
    """Add the filters; :func:`take_selection` makes a selection of what is given."""
    for option in (
        click.option("--to", "until", type=click.IntRange(min=0), metavar="NS",
                     help="Only up to this time, in nanoseconds."),
        click.option("--from", "since", type=click.IntRange(min=0), metavar="NS",
                     help="Only from this time on, in nanoseconds."),
        click.option("--time", metavar="A:B", help="Only these nanoseconds, both ends included."),
        click.option("--steps", metavar="A:B", help="Only these steps (of a trace: lines)."),
        click.option("--event", "events", multiple=True, metavar="KIND,...",
                     help="Only these kinds of events (see log fields)."),
        click.option("--vcpu", type=click.IntRange(min=0), help="Only what is about this VCPU."),
        click.option("--pcpu", type=click.IntRange(min=0), help="Only what is on this CPU."),
        click.option("--actor", "--task", "tasks", multiple=True, metavar="TASK,...",
                     help="Only what these tasks did: v0, or v for all VCPU threads."),
        click.option("--irq", "--intid", "irq", type=click.IntRange(min=0), metavar="N",
                     help="Only this interrupt, by its vINTID or INTID."),
    ):  # fmt: skip
        command = option(command)
    return command


def take_selection(options: dict[str, Any]) -> "Selection":
    """Take the filters out of a command's options.

    Raises:
        UsageError: one is not what it should be.

    """
    from harness.log.select import parse_selection

    return parse_selection(**{name: options.pop(name) for name in FILTERS})
