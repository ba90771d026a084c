"""Writes the log of one execution: JSON lines, into a file that appears whole.

Where the project asks for it they go through structlog (``harness.log.chain``).

The lines go into ``NAME.partial`` and get their name when the log is complete. What was written
before a failure or an interruption stays there. No file is ever overwritten.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.log.chain import Chain, Chained
from harness.places import NAMES_MAX, WriteError, cannot

__all__ = ["Blocks", "LogFile", "MemoryLog", "ordered"]

BUFFER_LINES = 1_000
FIRST = ("event", "seq", "t", "step", "task")
ENCODER = msgspec.json.Encoder()


def ordered(event: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a line as an object: the common fields first, the others in the order given."""
    given = {"event": event, **fields}
    return {name: given[name] for name in FIRST if name in given} | given


class MemoryLog:
    """A log that is only kept in memory: for when there is nowhere to write it."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def bind(self, actors: Mapping[str, str], **context: str) -> None:
        """There is no chain to bind anything for."""

    def write(self, event: str, **fields: Any) -> None:
        """Keep one line."""
        self.put(ordered(event, fields))

    def put(self, line: Any) -> None:
        """Keep one line: an object, or a struct of ``harness.log.lines``."""
        self.lines.append(line)

    def put_all(self, lines: list[Any]) -> None:
        """Keep lines."""
        self.lines += lines

    def data(self) -> bytes:
        """Return what a file would hold."""
        return ENCODER.encode_lines(self.lines)


class Blocks:
    """Collects lines, encodes them many at a time, and writes them in blocks."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.lines: list[Any] = []

    def put(self, line: Any) -> None:
        """Take one line: an object, a struct, or (``msgspec.Raw``) what is encoded already.

        Raises:
            OSError: the file cannot be written.

        """
        self.lines.append(line)
        if len(self.lines) >= BUFFER_LINES:
            self.flush()

    def put_all(self, lines: list[Any]) -> None:
        """Take lines, as :meth:`put` does.

        Raises:
            OSError: the file cannot be written.

        """
        for begin in range(0, len(lines), BUFFER_LINES):
            self.lines += lines[begin : begin + BUFFER_LINES]
            if len(self.lines) >= BUFFER_LINES:
                self.flush()

    def flush(self) -> None:
        """Write what was collected; what cannot be written is dropped with the error.

        Raises:
            OSError: the file cannot be written.

        """
        block = memoryview(ENCODER.encode_lines(self.lines))
        self.lines.clear()
        while block:
            block = block[os.write(self.descriptor, block) :]


class LogFile:
    """A log being written. With ``exact`` the name must be free, else the next free one is taken.

    Its lines go through ``chain``, or without one straight into the file.

    Raises:
        UsageError: the file cannot be made; :meth:`write` and :meth:`commit`: not written.

    """

    def __init__(self, path: Path, *, exact: bool = False, chain: Chain | None = None) -> None:
        self.path, self.partial, descriptor = self.reserve(path, exact)
        self.sink = Blocks(descriptor)
        self.plain: MemoryLog | None = None
        """The lines as they were before the chain, if there is one."""
        self.chained: Chained | None = None
        if chain is not None:
            self.plain = MemoryLog()
            self.chained = Chained(chain, self.sink.put)
        self.open = True

    @staticmethod
    def reserve(path: Path, exact: bool) -> tuple[Path, Path, int]:
        """Open the temporary file of a log whose name is free.

        Raises:
            UsageError: it is a folder, or the name or all of its numbers are taken.
            WriteError: the file cannot be made.

        """
        if not path.name or path.is_dir():
            raise UsageError(f"cannot write the log {str(path)!r}: it is a folder")
        for number in range(1, 2 if exact else NAMES_MAX):
            name = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
            partial = name.with_name(f"{name.name}.partial")
            if name.exists():
                continue
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
                return name, partial, os.open(partial, flags, 0o666)
            except FileExistsError:
                continue
            except OSError as error:
                raise cannot("write the log", name, error.strerror) from None
        taken = path if path.exists() else path.with_name(f"{path.name}.partial")
        raise UsageError(
            f"cannot write the log {str(path)!r}: {str(taken)!r} exists, and logs are never "
            "overwritten"
        )

    def bind(self, actors: Mapping[str, str], **context: str) -> None:
        """Bind what the chain's processors are told of the execution, and of each task's actor."""
        if self.chained is not None:
            self.chained.bind(actors, **context)

    def write(self, event: str, **fields: Any) -> None:
        """Write one line.

        Raises:
            WriteError: the file cannot be written.

        """
        self.put(ordered(event, fields))

    def put(self, line: Any) -> None:
        """Write one line: an object in its order, or a struct of ``harness.log.lines``.

        Raises:
            WriteError: the file cannot be written.

        """
        self.put_all([line])

    def put_all(self, lines: list[Any]) -> None:
        """Write lines, as :meth:`put` does.

        Raises:
            UsageError: the file cannot be written, or the chain's function fails.

        """
        try:
            if self.chained is None:
                self.sink.put_all(lines)
                return
            assert self.plain is not None
            self.plain.put_all(lines)
            for line in lines:
                self.chained.put(line)
        except OSError as error:
            raise self.failed(error) from None

    def commit(self) -> Path:
        """Complete the log and give it its name; returns the name it got.

        Raises:
            WriteError: the last of it cannot be written, or the name was taken meanwhile.

        """
        try:
            self.sink.flush()
            self.close()
            self.path = self.publish()
        except OSError as error:
            raise self.failed(error) from None
        return self.path

    def publish(self) -> Path:
        """Move the temporary file to its name, which another process may have taken meanwhile.

        Raises:
            FileExistsError: there is a file of that name by now.

        """
        try:
            os.link(self.partial, self.path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links: the window between look and rename is accepted.
            if self.path.exists():
                raise FileExistsError(17, "File exists") from None
            self.partial.rename(self.path)
        else:
            self.partial.unlink()
        return self.path

    def abandon(self) -> None:
        """Keep what there is in the temporary file."""
        if self.open:
            with contextlib.suppress(OSError):
                self.sink.flush()
            with contextlib.suppress(OSError):
                self.close()

    def close(self) -> None:
        """Close the file."""
        if self.open:
            self.open = False
            os.close(self.sink.descriptor)

    def failed(self, error: OSError) -> WriteError:
        """Close the file, and say what could not be written and where the rest is."""
        self.abandon()
        reason = error.strerror or "input/output error"
        return WriteError(
            f"cannot write the log {str(self.path)!r}: {reason}; what was written is in "
            f"{str(self.partial)!r}"
        )
