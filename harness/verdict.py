"""Verdicts and exit codes, the same for every command."""

__all__ = [
    "CLEAN",
    "EXIT_CODES",
    "EXIT_DIVERGED",
    "EXIT_INTERNAL",
    "EXIT_INTERRUPTED",
    "EXIT_USAGE",
    "INCONCLUSIVE",
    "PROVED",
    "VIOLATED",
]

CLEAN, PROVED, VIOLATED, INCONCLUSIVE = "clean", "proved", "violated", "inconclusive"
EXIT_CODES = {CLEAN: 0, PROVED: 0, VIOLATED: 1, INCONCLUSIVE: 3}
EXIT_USAGE = 2
EXIT_DIVERGED = 4
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130
