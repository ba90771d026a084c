"""Leaves out the departures that a failure does not need."""

from collections.abc import Callable, Sequence

from harness.search.why.events import Event

__all__ = ["fewest"]

Fails = Callable[[Sequence[Event]], bool]


def fewest(events: Sequence[Event], fails: Fails) -> tuple[Event, ...]:
    """Return some of the events with which it still fails, none of which can be left out.

    Halves first, then smaller pieces, from the end (delta debugging: Zeller and Hildebrandt 2002);
    one is left out at a time at last, until nothing changes.

    Args:
        events: with all of them it fails.
        fails: runs an execution and tells whether it does.

    """
    kept = tuple(events)
    size = len(kept)
    while size:
        size = max(size // 2, 1)
        before = len(kept)
        end = len(kept)
        while end > 0:
            start = max(end - size, 0)
            fewer = kept[:start] + kept[end:]
            if fails(fewer):
                kept = fewer
            end = start
        if size == 1 and len(kept) == before:
            break
    return kept
