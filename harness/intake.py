"""What is read from outside is bounded: no device, endless pipe or huge file is read to its end."""

import io
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import UsageError, shortened

__all__ = [
    "LOG_MAX", "SCENARIO_MAX", "SCHEDULE_MAX", "STDIN", "parse_toml", "read_bytes", "read_text",
]  # fmt: skip

SCHEDULE_MAX = 16 * 1024 * 1024
"""The longest file with a schedule, in bytes; one has at most a million choices."""
SCENARIO_MAX = 256 * 1024
"""The longest scenario, in bytes; no program has more than 200 lines."""
LOG_MAX = 256 * 1024 * 1024
"""The longest log, in bytes."""
STDIN = "-"
"""What stands for standard input where a file is named."""
CHUNK = 64 * 1024
DOTS_MAX = 100
STRINGS = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")


def read_bytes(path: Path, most: int) -> bytes:
    """Read a whole file, or what comes through standard input if ``path`` is ``-``.

    Args:
        path: the file; a pipe will do.
        most: how many bytes it may have.

    Raises:
        UsageError: it cannot be read, is no text as far as its first NUL byte tells, or is longer.
            The message says why, not which file: that is for whoever knows what it should have
            been.
    """
    try:
        if str(path) == STDIN:
            return take(standard_input(), most)
        with path.open("rb") as file:
            return take(file, most)
    except (OSError, ValueError) as error:
        raise UsageError(getattr(error, "strerror", None) or "not a path") from None


def read_text(path: Path, most: int) -> str:
    """Read a whole text file, as :func:`read_bytes` does.

    Raises:
        UsageError: it cannot be read, is no UTF-8, or is longer than ``most`` bytes.
    """
    try:
        return read_bytes(path, most).decode()
    except UnicodeDecodeError:
        raise UsageError("not text") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML, whatever it is: nesting, numbers and keys have their limits.

    Raises:
        UsageError: it is none, or goes beyond a limit. The message says why.
    """
    for number, line in enumerate(text.splitlines(), 1):
        # The parser takes a square of that time; strings and comments do not count.
        if line.count(".") > DOTS_MAX and STRINGS.sub("", line).count(".") > DOTS_MAX:
            raise UsageError(f"a key of more than {DOTS_MAX} parts (at line {number})")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError("nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(shortened(str(error))) from None
    except ValueError:  # what Python makes of a date or a number is not TOML's to say
        raise UsageError("a number or a date that is out of range") from None


def standard_input() -> BinaryIO:
    """Return standard input as bytes; there may be none."""
    if sys.stdin is None:
        return io.BytesIO()
    return sys.stdin.buffer


def take(file: BinaryIO, most: int) -> bytes:
    """Read to the end, a piece at a time.

    Raises:
        UsageError: there is more than ``most`` bytes of it, or it is long and has a NUL byte.
    """
    parts: list[bytes] = []
    size = 0
    while part := file.read(CHUNK):
        if len(part) == CHUNK and b"\0" in part:
            # What is shorter is better refused by whoever tries to understand it.
            raise UsageError("not text")
        size += len(part)
        if size > most:
            raise UsageError(f"longer than {most >> 10} KiB")
        parts.append(part)
    return b"".join(parts)
