"""The one exception that means "your input, not our fault", and how to say it well."""

import difflib
from collections.abc import Iterable

__all__ = ["UsageError", "unknown_name"]


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
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of: {', '.join(names)}"
    return UsageError(f"unknown {what} {name!r}; {hint}")
