"""Verdicts and exit codes, the same for every command."""

from collections.abc import Iterable

__all__ = [
    "CLEAN",
    "EXIT_CODES",
    "EXIT_DIVERGED",
    "EXIT_INTERNAL",
    "EXIT_INTERRUPTED",
    "EXIT_USAGE",
    "INCONCLUSIVE",
    "MEANINGS",
    "PROVED",
    "VIOLATED",
    "worst",
]

CLEAN, PROVED, VIOLATED, INCONCLUSIVE = "clean", "proved", "violated", "inconclusive"
"""Clean is a sample that broke no rule, proved a search that was exhausted."""
EXIT_CODES = {CLEAN: 0, PROVED: 0, VIOLATED: 1, INCONCLUSIVE: 3}
"""Verdict -> exit code. What ends without a verdict ends with one of the codes below."""
EXIT_USAGE = 2
EXIT_DIVERGED = 4
EXIT_INTERNAL = 70
EXIT_HUP, EXIT_INTERRUPTED, EXIT_PIPE, EXIT_TERM = 129, 130, 141, 143
"""128 and the number of a signal: SIGHUP, SIGINT, SIGPIPE, SIGTERM."""
MEANINGS: dict[int, str] = {
    EXIT_CODES[CLEAN]: "clean or proved",
    EXIT_CODES[VIOLATED]: "violated",
    EXIT_USAGE: "usage or bad input",
    EXIT_CODES[INCONCLUSIVE]: "inconclusive",
    EXIT_DIVERGED: "replay diverged",
    EXIT_INTERNAL: "internal error",
    EXIT_HUP: "ended by SIGHUP",
    EXIT_INTERRUPTED: "interrupted",
    EXIT_PIPE: "nobody reads what is printed",
    EXIT_TERM: "ended by SIGTERM",
}
"""Every exit code and what it says, in the order of the numbers."""


def worst(verdicts: Iterable[str]) -> str:
    """Return the verdict over several: the worst of them, inconclusive if there is none."""
    seen = set(verdicts)
    return next((v for v in (VIOLATED, INCONCLUSIVE, CLEAN) if v in seen), INCONCLUSIVE)
