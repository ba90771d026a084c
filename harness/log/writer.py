"""Writes the log of one execution: JSON lines, through structlog, into a file that appears whole.

The lines go into ``NAME.partial`` and get their name when the log is complete. What was written
before a failure or an interruption stays there. No file is ever overwritten.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec
import structlog

from harness.errors import UsageError
from harness.places import NAMES_MAX, WriteError, cannot

__all__ = ["BytesLogger", "LogFile", "MemoryLog", "make_logger"]


BUFFER_BYTES = 1 << 18
FIRST = ("event", "seq", "t", "step", "task")


class BytesLogger:
    """Structlog's logger at the end of the chain: collects encoded lines, writes them in blocks."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.lines: list[bytes] = []
        self.size = 0

    def msg(self, line: bytes) -> None:
        """Take one encoded line."""
        self.lines.append(line)
        self.size += len(line)
        if self.size >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was collected; what cannot be written is dropped with the error."""
        block = memoryview(b"".join(self.lines))
        self.lines.clear()
        self.size = 0
        while block:
            block = block[os.write(self.descriptor, block) :]


def encode(_logger: Any, _method: str, event: Any) -> bytes:
    """Encode one event as a line: the common fields first, the others in the order given."""
    line = {name: event[name] for name in FIRST if name in event}
    line.update(event)
    return msgspec.json.encode(line) + b"\n"


def make_logger(sink: BytesLogger) -> Any:
    """Return a structlog logger of its own for ``sink``; nothing global is touched or cached."""
    return structlog.wrap_logger(
        sink,
        processors=[encode],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=False,
    )


class MemoryLog:
    """A log that is only kept in memory: for when there is nowhere to write it."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, event: str, **fields: Any) -> None:
        """Keep one line."""
        self.lines.append(encode(None, "", {"event": event, **fields}))

    def data(self) -> bytes:
        """Return what a file would hold."""
        return b"".join(self.lines)


class LogFile:
    """A log being written. With ``exact`` the name must be free, else the next free one is taken.

    Raises:
        UsageError: the file cannot be made; :meth:`write` and :meth:`commit`: not written.

    """

    def __init__(self, path: Path, *, exact: bool = False) -> None:
        self.path, self.partial, descriptor = self.reserve(path, exact)
        self.sink = BytesLogger(descriptor)
        self.logger = make_logger(self.sink)
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

    def write(self, event: str, **fields: Any) -> None:
        """Write one line.

        Raises:
            WriteError: the file cannot be written.

        """
        try:
            self.logger.msg(event, **fields)
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
