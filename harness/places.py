"""Where files go: the folder of logs, new folders in it, files that appear whole."""

import os
import re
from pathlib import Path

from harness.errors import UsageError

__all__ = [
    "PACKAGES", "WriteError", "cannot", "default_log_root", "new_folder", "next_folder", "shown",
    "slug", "write_whole",
]  # fmt: skip

PACKAGES = Path(__file__).resolve().parents[1]
"""The folder that this program's own packages are in."""
NAMES_MAX = 10_000
ROOT_ENV = "VGIC_RACE_LOGS"


class WriteError(UsageError):
    """The surroundings do not let a file be written: a full disk, a folder one may not write."""


def cannot(what: str, path: Path, why: str | None) -> WriteError:
    """Return the error that says what could not be done, where, and why."""
    return WriteError(f"cannot {what} {str(path)!r}: {why or 'input/output error'}")


def default_log_root() -> Path:
    """Return where logs go: ``VGIC_RACE_LOGS``, else ``logs/`` of the nearest project or of here.

    The nearest project is the closest folder upwards that has a ``pyproject.toml``.
    """
    if given := os.environ.get(ROOT_ENV):
        return Path(given)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "logs"
    return here / "logs"


def slug(text: str) -> str:
    """Return ``text`` as part of a file name."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip(".-")[-60:]


def shown(path: Path) -> str:
    """Return a path as a reader wants it: relative if it lies below the current folder."""
    try:
        full = Path(os.path.abspath(path))
        return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)
    except (OSError, ValueError):
        return str(path)


def new_folder(root: Path, name: str) -> Path:
    """Make a folder ``name`` under ``root``, or ``name-2`` and so on, that did not exist.

    Raises:
        WriteError: it cannot be made.

    """
    for number in range(1, NAMES_MAX):
        folder = root / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not root.is_dir():
                raise cannot("make the log folder", folder, "not a directory") from None
            continue
        except OSError as error:
            raise cannot("make the log folder", folder, error.strerror) from None
        return folder
    raise cannot("make the log folder", root / name, "every numbered name is taken")


def next_folder(root: Path, name: str) -> Path:
    """Make the folder ``name-N`` in ``root`` that is next; making it is what claims the number.

    Raises:
        WriteError: it cannot be made: no permission, a full disk.

    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        found = (re.fullmatch(rf"{re.escape(name)}-(\d+)", x.name) for x in root.iterdir())
        number = max((int(match[1]) for match in found if match), default=0) + 1
        while True:
            folder = root / f"{name}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
                continue
            return folder
    except OSError as error:
        raise WriteError(f"cannot make a folder in {str(root)!r}: {error.strerror}") from None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it appears whole, by way of one that ends in ``.partial``.

    Raises:
        WriteError: it cannot be written; nothing is left behind then.

    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(data)
        partial.rename(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise WriteError(f"cannot write {str(path)!r}: {error.strerror}") from None
