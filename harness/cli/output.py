"""How results are shown: plain text in columns on stdout, JSON lines, progress on stderr."""

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
import msgspec

if TYPE_CHECKING:
    from harness.campaign.summary import Campaign

__all__ = ["Progress", "print_json", "table"]

PLAIN_SECONDS = 5.0


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Lay out rows in columns; those numbered in ``right``, from 0, are aligned to the right.

    On a terminal it is as wide as that and cells are folded; else a row is a line.

    Raises:
        ValueError: a row has fewer or more cells than ``head``.
    """
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    from harness.report.console import make_console

    laid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for i, name in enumerate(head):
        laid.add_column(Text(name), justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"a row of {len(row)} cells under {len(head)} headings")
        laid.add_row(*map(Text, row))
    console = make_console()
    if not sys.stdout.isatty():
        options = console.options.update(max_width=1_000_000)
        console.width = max(Measurement.get(console, options, laid).maximum, 1)
    with console.capture() as capture:
        console.print(laid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON line on stdout."""
    click.echo(msgspec.json.encode(value).decode())


class Progress:
    """Says on stderr how far a campaign is: a bar on a terminal, else a line every 5 s.

    ``schedules`` or ``seconds`` (wall time) is what limits the campaign, and so the whole bar.
    ``quiet`` says nothing at all.
    """

    def __init__(
        self, schedules: int | None, seconds: float | None, *, quiet: bool = False
    ) -> None:
        self.quiet = quiet
        self.schedules = schedules
        self.seconds = seconds
        self.began = time.monotonic()
        self.next = self.began
        self.bar: Any = None
        self.last = (0.0, "")
        self.said = ""
        self.update: Callable[[float, str], None] = self.plain

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr is not None and sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self.bar = progress.Progress(
                progress.TextColumn("stress"), progress.BarColumn(),
                progress.TextColumn("{task.description}"),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self.bar.start()
            task = self.bar.add_task("", total=1.0)
            self.update = lambda part, text: self.bar.update(
                task, completed=min(part, 1.0), description=text
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
        elif self.last[1] and self.last[1].split(",")[0] != self.said.split(",")[0]:
            self.say()

    def __call__(self, campaign: "Campaign") -> None:
        """Take note of how far the campaign is."""
        gone = time.monotonic() - self.began
        done = campaign.schedules
        if not done:
            return
        part = done / self.schedules if self.schedules else gone / (self.seconds or 1.0)
        failing = sum(bool(t.broken) for t in campaign.tallies)
        text = f"{done} schedules, {done / max(gone, 1e-3):.0f}/s"
        self.update(part, text + (f", {failing} violated" if failing else ""))

    def plain(self, part: float, text: str) -> None:
        """Print a line if it is time for one; ``part`` is the share that is done, 0 to 1."""
        now = time.monotonic()
        self.last = (part, text)
        if now >= self.next:
            self.next = now + PLAIN_SECONDS
            self.say()

    def say(self) -> None:
        """Print what was last noted."""
        if self.quiet:
            return
        part, self.said = self.last
        click.echo(f"  {min(part, 1.0):4.0%} {self.said}", err=True)
