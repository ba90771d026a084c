"""``log diff``: where two executions went different ways, and what came of it."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.log_options import filter_options, take_selection
from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.log.diff import Difference
    from harness.log.reader import Entry

__all__ = ["diff"]

KINDS_SHOWN = 15
LIVES_SHOWN = 15


@click.command("diff", epilog=EPILOG)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--context", type=click.IntRange(0, 1000), default=5, show_default=True,
    help="Lines before and after the first difference.",
)  # fmt: skip
@filter_options
@json_option
def diff(first: str, second: str, *, context: int, as_json: bool, **filters: Any) -> int:
    """Say where A and B, logs or kernel traces, differ first, and what came of it.

    Compared is who did what, in which order; not times, nor numbers of steps. Filters choose what
    is compared. Exit code 0: the same happened in both; 4: they went different ways.
    """
    from harness.cli.output import print_json
    from harness.log.diff import compare
    from harness.log.source import open_source
    from harness.verdict import EXIT_DIVERGED

    found = compare(open_source(first), open_source(second), take_selection(filters))
    if as_json:
        print_json(as_dict(found, first, second, context))
    else:
        print_difference(found, first, second, context)
    return 0 if found.is_same else EXIT_DIVERGED


def as_dict(found: "Difference", first: str, second: str, context: int) -> dict[str, Any]:
    """Return the comparison as the summary line."""
    return {
        "type": "summary",
        "verdict": "inconclusive",
        "violations": [],
        "logs": [first, second],
        "same": found.is_same,
        "lines_in_common": found.same,
        "before": [as_line(entry) for entry in last(found.before, context)],
        "a": [as_line(entry) for entry in found.a[: context + 1]],
        "b": [as_line(entry) for entry in found.b[: context + 1]],
        "headers": found.headers,
        "verdicts": found.verdicts,
        "broken": found.broken,
        "counts": found.counts,
        "lives": found.lives,
    }


def last(entries: "list[Entry]", count: int) -> "list[Entry]":
    """Return the last ``count``."""
    return entries[len(entries) - count :] if count < len(entries) else entries


def as_line(entry: "Entry") -> dict[str, Any]:
    """Return a line of a log as an object."""
    from harness.log.registry import describe

    meta = entry.meta
    return {
        "seq": meta.seq, "t": meta.t, "step": meta.step, "task": meta.task, "event": meta.event,
        "text": describe(entry.record),
    }  # fmt: skip


def print_difference(found: "Difference", first: str, second: str, context: int) -> None:
    """Print the comparison."""
    for name, (a, b) in found.headers.items():
        click.echo(f"{name}: {a[:200]} | {b[:200]}")
    if found.is_same:
        click.echo(f"the same happened in both: {found.same} lines, {found.verdicts[0]}")
        return
    click.echo(f"the first {found.same} lines are the same; then")
    for entry in last(found.before, context):
        click.echo(f"    {text_of(entry)}")
    for sign, name, entries in (("<", first, found.a), (">", second, found.b)):
        click.echo(f"  {sign} {name}" + ("" if entries else ": nothing more"))
        for entry in entries[: context + 1]:
            click.echo(f"  {sign} {text_of(entry)}")
    click.echo(f"verdict: {found.verdicts[0]} | {found.verdicts[1]}")
    if found.broken[0] != found.broken[1]:
        click.echo("broken: " + " | ".join(", ".join(x) or "nothing" for x in found.broken))
    if found.counts:
        click.echo("lines of a kind, in A | in B:")
        far = sorted(found.counts.items(), key=lambda x: -abs(x[1][0] - x[1][1]))
        for kind, (m, n) in far[:KINDS_SHOWN]:
            click.echo(f"  {kind}: {m} | {n}")
        if len(far) > KINDS_SHOWN:
            click.echo(f"  and {len(far) - KINDS_SHOWN} other kinds")
    if found.lives:
        click.echo("lives of interrupts, steps in A | in B:")
        for life, pairs in list(found.lives.items())[:LIVES_SHOWN]:
            text = ", ".join(f"{x.replace('_', ' ')} {a} | {b}" for x, (a, b) in pairs.items())
            click.echo(f"  {life}: {text.replace('None', '-')}")
        if len(found.lives) > LIVES_SHOWN:
            click.echo(f"  and {len(found.lives) - LIVES_SHOWN} other lives")


def text_of(entry: "Entry") -> str:
    """Return a line as text."""
    from harness.log.registry import describe

    meta = entry.meta
    return f"{meta.t:>8} ns  {meta.step:>5}  {meta.task:<6}  {describe(entry.record)}"
