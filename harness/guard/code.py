"""Whose code it is: this tool's, a library's, or the user's own."""

import sysconfig
from functools import cache
from pathlib import Path
from traceback import walk_stack, walk_tb
from types import FrameType, TracebackType

from harness.places import shown

__all__ = [
    "Place",
    "is_caller",
    "is_own",
    "is_variant_own",
    "place_of_frame",
    "place_of_traceback",
    "told_place",
]

ROOT = Path(__file__).resolve().parents[2]
TOOL = tuple(str(ROOT / name) + "/" for name in ("harness", "model"))
CALLERS = tuple(f"{TOOL[0]}{name}" for name in ("engine/", "variants.py", "world.py"))
TASKS = tuple(f"{TOOL[0]}{name}/" for name in ("actors", "guest", "kvm"))
LIBRARIES = tuple(
    path + "/" for path in dict.fromkeys(sysconfig.get_paths().values()) if path not in ("", "/")
)

Place = tuple[str, int, str]
"""A file, a line in it, and the function that the line is in."""


def is_variant_own(name: str) -> bool:
    """Tell whether a variant's name is that of a class of the user's, by module or by path."""
    return ":" in name


@cache
def is_own(filename: str) -> bool:
    """Tell whether a source is neither of this tool nor of an installed library."""
    if filename.startswith("<"):
        return False
    path = filename.replace("\\", "/")
    return not path.startswith(TOOL) and not path.startswith(LIBRARIES)


def place_of_frame(frame: FrameType | None) -> Place | None:
    """Return the innermost place in code of the user's that this tool has called.

    What has called the tool, as a test or a program of the user's, does not count.
    """
    found: Place | None = None
    called = False
    for each, line in reversed(list(walk_stack(frame))) if frame is not None else ():
        filename = each.f_code.co_filename
        called = called or is_caller(filename)
        if called and is_own(filename):
            found = (filename, line, each.f_code.co_name)
    return found


def place_in_task(frame: FrameType | None) -> Place | None:
    """Return where a task is on a stack: in code of the user's, or else in that of this tool."""
    own = place_of_frame(frame)
    if own is not None or frame is None:
        return own
    for each, line in walk_stack(frame):
        if is_task(each.f_code.co_filename):
            return each.f_code.co_filename, line, each.f_code.co_name
    return None


def place_of_traceback(trace: TracebackType | None) -> Place | None:
    """Return the innermost place in code of the user's that an exception passed."""
    found: Place | None = None
    for frame, line in walk_tb(trace):
        if is_own(frame.f_code.co_filename):
            found = (frame.f_code.co_filename, line, frame.f_code.co_name)
    return found


@cache
def is_task(filename: str) -> bool:
    """Tell whether a source is that of tasks, of KVM or the host, which an engine runs."""
    return filename.replace("\\", "/").startswith(TASKS)


@cache
def is_caller(filename: str) -> bool:
    """Tell whether a source of this tool calls code of the user's: engine, import or world."""
    return filename.replace("\\", "/").startswith(CALLERS)


def told_place(place: Place | None) -> str:
    """Say where a place is, as it follows what happened there: " in NAME (FILE:LINE)"."""
    if place is None:
        return ""
    filename, line, name = place
    return f" in {name} ({shown(Path(filename))}:{line})"
