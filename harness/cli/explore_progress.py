"""How far an exhaustive search is, on stderr."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from harness.search.explore.estimate import Estimate
    from harness.search.explore.explore import Exploration
    from harness.search.explore.explored import ExploreLimits

__all__ = ["Progress"]

PLAIN_SECONDS = 5.0
BAR_SECONDS = 1.0


class Progress:
    """Says how far a search is: a line that changes on a terminal, else one every 5 s.

    Called with the search, it returns whether to go on.

    Args:
        limits: those of the search.
        stop: tells whether the user wants it to end.

    """

    def __init__(self, limits: "ExploreLimits", stop: Callable[[], bool]) -> None:
        self.limits = limits
        self.stop = stop
        self.next = time.monotonic() + BAR_SECONDS
        self.bar: Any = None
        self.estimate: Estimate | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.bar = Live(console=Console(stderr=True), transient=True, auto_refresh=False)
            self.bar.start()
        else:
            self.next += PLAIN_SECONDS
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, exploration: "Exploration") -> bool:
        """Say how far it is, if it is time; return whether to go on."""
        now = time.monotonic()
        if now >= self.next:
            self.next = now + (PLAIN_SECONDS if self.bar is None else BAR_SECONDS)
            if self.estimate is None:
                from harness.search.explore.estimate import Estimate

                self.estimate = Estimate(exploration)
            text = describe(exploration, self.estimate)
            if self.bar is None:
                click.echo(f"  {text}", err=True)
            else:
                self.bar.update(text, refresh=True)
        return not self.stop()


def describe(exploration: "Exploration", estimate: "Estimate | None") -> str:
    """Return how far a search is, in a line."""
    from harness.search.explore.explore import memory_mb

    states, seconds = exploration.states, exploration.seconds()
    if exploration.learning:
        return f"learning what tasks may touch, {memory_mb():.0f} MiB"
    if exploration.graph.broken or not exploration.search.seen:
        return f"looking for the shortest schedule, {memory_mb():.0f} MiB"
    known = 0.0 if estimate is None else estimate.known()
    total = f"{known:.0%} of what random walks meet" if known else "few of all"
    if exploration.passes > 1:
        total += f", pass {exploration.passes}"
    return (
        f"{states} states, {states / max(seconds, 1e-3):.0f}/s, depth {exploration.search.depth}, "
        f"{memory_mb():.0f} MiB, {total}"
    )
