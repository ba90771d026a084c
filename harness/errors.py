"""The one exception that means "your input, not our fault", and how to say it well."""

import difflib
from collections.abc import Iterable

__all__ = ["UsageError", "shortened", "unknown_name"]

LINE_MAX = 2_000
"""A message is no longer than that: what a user gave may be."""


class UsageError(Exception):
    """Bad input: the message says what, where and what was expected. Exit code 2."""


def unknown_name(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Return, not raise, the error that ``name`` is no known ``what``; it says which is nearest.

    Args:
        what: what the name should be the name of, as it begins the message: "scenario", "knob".
        name: what was given.
        known: the names that there are; all of them are listed where none is near.
    """
    names = sorted(known)
    # What is far too long is near to nothing, and looking takes its time.
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5) if len(name) < 100 else []
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of: {', '.join(names)}"
    return UsageError(f"unknown {what} {shortened(repr(name), 200)}; {hint}")


def shortened(text: str, most: int = LINE_MAX) -> str:
    """Return a message on one line, without its middle where it is longer than ``most`` letters."""
    line = " ".join(text.splitlines())
    if len(line) <= most:
        return line
    half = most // 2
    return f"{line[:half]} [{len(line) - 2 * half} letters left out] {line[-half:]}"
