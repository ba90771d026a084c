"""What is read from outside is bounded: no device, endless pipe or huge file is read to its end."""

import io
import sys
from pathlib import Path
from typing import BinaryIO

from harness.errors import UsageError

__all__ = ["LOG_MAX", "SCENARIO_MAX", "SCHEDULE_MAX", "STDIN", "read_bytes", "read_text"]

SCHEDULE_MAX = 16 * 1024 * 1024
"""The longest file with a schedule, in bytes; one has at most a million choices."""
SCENARIO_MAX = 256 * 1024
"""The longest scenario, in bytes; no program has more than 200 lines."""
LOG_MAX = 256 * 1024 * 1024
"""The longest log, in bytes."""
STDIN = "-"
"""What stands for standard input where a file is named."""
CHUNK = 64 * 1024


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
