"""The console on which reports are printed."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["make_console"]

PIPED_WIDTH = 80


def make_console() -> "Console":
    """Return the console of stdout: as wide as the terminal, 80 columns where it is none.

    ``COLUMNS`` sets another width, ``NO_COLOR`` takes the colours away.
    """
    from rich.console import Console

    given = os.environ.get("COLUMNS", "")
    wide = int(given) if given.isdecimal() and int(given) > 0 else None
    if wide is None and not sys.stdout.isatty():
        wide = PIPED_WIDTH
    return Console(width=wide, highlight=False, markup=False, emoji=False)
