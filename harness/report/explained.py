"""An explanation as it is kept: beside the log of the execution that it speaks of."""

from pathlib import Path
from typing import Final

import msgspec

from harness.errors import UsageError
from harness.log.reader import Log, read_log
from harness.search.explanation import Explanation

__all__ = ["EXPLANATION", "FAILING", "is_explained", "read_explained"]

EXPLANATION: Final = "explanation.json"
FAILING: Final = "failing.jsonl"
"""The names of the two files in the folder that ``why`` writes."""


def is_explained(path: Path) -> bool:
    """Tell a folder that ``why`` wrote from others."""
    try:
        return (path / EXPLANATION).is_file()
    except (OSError, ValueError):
        return False


def read_explained(folder: Path) -> tuple[Log, Explanation]:
    """Return the log in a folder that ``why`` wrote, and what it found out.

    Raises:
        UsageError: one of the two cannot be read, or is not what it should be.

    """
    path = folder / EXPLANATION
    try:
        explanation = msgspec.json.decode(path.read_bytes(), type=Explanation)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: not an explanation: {error}") from None
    return read_log(folder / FAILING), explanation
