"""A search as a file, so that it can go on another time.

States are numbers, so it is nearly all numbers: what each part's values are, how each place of a
task is come to, the contents of the groups, the states that were reached, and where the search is.
What was learnt of steps is not kept: it is learnt again soon.
"""

import hashlib
import io
import os
import pickle
import zlib
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.origin import changed
from harness.spec import RunSpec

__all__ = ["Saved", "load", "save"]

MAGIC = b"vgic-race search 2\n"


class Saved(msgspec.Struct):
    """A search that was stopped.

    Attributes:
        schedule: names what is searched, with the scenario and its origin; it makes no choice.
        bounds: on switches and on preemptive ones (None: no such bound).
        dead, held_back, stubborn, symmetric: the reductions.
        tables: of the memo, of the packing and of stubborn sets, for ``Exploration.restore``.
        progress: where the search is, and what it has counted.
        width: the bytes of a state.
        seen: the states that were reached, side by side.

    """

    schedule: str
    bounds: tuple[int | None, int | None]
    dead: bool
    held_back: bool
    stubborn: bool
    symmetric: bool
    tables: dict[str, Any]
    progress: dict[str, Any]
    width: int
    seen: bytes

    def spec(self) -> RunSpec:
        """Return what is searched.

        Raises:
            UsageError: it is not what it was when this was saved.

        """
        schedule = Schedule.parse(self.schedule)
        spec = RunSpec.from_schedule(schedule)
        if what := changed(schedule.origin, spec.origin()):
            raise UsageError(f"cannot go on with this search: {'; '.join(what)}")
        return spec

    def states(self) -> set[int]:
        """Return the states that were reached."""
        seen, width = self.seen, self.width
        return {
            int.from_bytes(seen[at : at + width], "little") for at in range(0, len(seen), width)
        }


def save(saved: Saved, path: Path) -> None:
    """Write a search to ``path``: all of it, or nothing."""
    fields = {name: getattr(saved, name) for name in saved.__struct_fields__}
    body = zlib.compress(pickle.dumps(fields, protocol=5), 1)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(MAGIC + hashlib.sha256(body).digest() + body)
    os.replace(partial, path)


def load(path: Path) -> Saved:
    """Read a search.

    Raises:
        UsageError: it cannot be read, is none, or was damaged.

    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the search {str(path)!r}: {error.strerror}") from None
    if not data.startswith(MAGIC):
        raise UsageError(f"{str(path)!r} is no search, expected a file that explore has saved")
    at = len(MAGIC)
    digest, body = data[at : at + 32], data[at + 32 :]
    if hashlib.sha256(body).digest() != digest:
        raise UsageError(f"the search {str(path)!r} is damaged: its checksum is wrong")
    try:
        return Saved(**Values(io.BytesIO(zlib.decompress(body))).load())
    except (pickle.UnpicklingError, TypeError, ValueError, zlib.error, EOFError):
        raise UsageError(f"{str(path)!r} is not a search of this version of vgic-race") from None


class Values(pickle.Unpickler):
    """Reads nothing but plain values, and the model's frozen ones."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of values of the model.

        Raises:
            UnpicklingError: it is anything else.

        """
        if module.partition(".")[0] == "model":
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            if isinstance(found, type) and issubclass(found, (msgspec.Struct, tuple, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")
