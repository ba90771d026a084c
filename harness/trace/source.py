"""The lines of a trace: of a file, gzip or plain, or of standard input; in flat memory."""

import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from harness.errors import UsageError

__all__ = ["LONGEST", "STDIN", "Source"]

STDIN = "-"
CHUNK = 1 << 18
PACKED = 1 << 12
LONGEST = 1 << 16
"""A line longer than this is no line of a trace; what is over is not kept."""
GZIP = b"\x1f\x8b"
OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x17\x08\x44tracing", "is a trace.dat of trace-cmd: give the output of 'trace-cmd report'"),
    (b"PERFILE2", "is a perf.data: give the text that ftrace prints"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: give it plain, or with gzip"),
    (b"\xfd7zXZ", "is compressed with xz: give it plain, or with gzip"),
    (b"BZh", "is compressed with bzip2: give it plain, or with gzip"),
)
"""How files begin that are traces in another form, and what to say of them."""


class Source:
    """The lines of one trace, as bytes, each without its newline; a context manager.

    ``name`` is a path, or ``-`` for standard input. After the last line ``cut`` tells that the last
    one had no newline (it is left out, for its end may be missing), ``damage`` why the file ends
    before its end ("": it does not), ``size`` how many bytes of text there were.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cut = False
        self.damage = ""
        self.size = 0
        self.file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            UsageError: it cannot be opened.

        """
        if self.name == STDIN:
            self.file = sys.stdin.buffer
            return self
        try:
            self.file = Path(self.name).open("rb")  # closed by __exit__
        except (OSError, ValueError) as error:
            raise self.bad(getattr(error, "strerror", None) or str(error), "cannot read") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.file is not None and self.name != STDIN:
            self.file.close()
        self.file = None

    def bad(self, why: str, what: str = "not a trace:") -> UsageError:
        """Return, not raise, the error that this is no trace that can be read."""
        return UsageError(f"{what} {self.name!r}: {why}")

    # -- bytes ---------------------------------------------------------------------------------

    def raw(self) -> Iterator[bytes]:
        """Yield what the file holds, a piece at a time.

        Raises:
            UsageError: it cannot be read.

        """
        assert self.file is not None, "entered"
        read: Callable[[int], bytes] = getattr(self.file, "read1", self.file.read)
        while True:
            try:
                data = read(CHUNK)
            except OSError as error:
                raise self.bad(error.strerror or str(error), "cannot read") from None
            if not data:
                return
            yield data

    def text(self) -> Iterator[bytes]:
        """Yield the text, unpacked if it is packed.

        Raises:
            UsageError: it is empty, or plainly something else than a trace.

        """
        pieces = self.raw()
        first = b""
        for piece in pieces:
            first += piece
            if len(first) >= 16:  # enough to know it by
                break
        if not first:
            raise self.bad("it is empty")
        for begins, why in OTHERS:
            if first.startswith(begins):
                raise self.bad(why)
        if first.startswith(GZIP):
            yield from self.unpacked(first, pieces)
            return
        if b"\0" in first:
            raise self.bad("it is binary, expected the text that ftrace prints")
        yield first
        yield from pieces

    def unpacked(self, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield what is packed by gzip in one or more members, as far as it goes."""
        packed = zlib.decompressobj(wbits=31)
        # In small pieces: of one with damage in it nothing is had.
        pieces = (
            x[i : i + PACKED] for x in chain((first,), pieces) for i in range(0, len(x), PACKED)
        )
        data = next(pieces)
        while True:
            try:
                text = packed.decompress(data, CHUNK)
            except zlib.error:
                self.damage = "its gzip data is damaged"
                return
            if text:
                yield text
            if packed.eof:
                data = packed.unused_data.lstrip(b"\0") or next(pieces, b"")
                if not data:
                    return
                packed = zlib.decompressobj(wbits=31)
                continue
            data = packed.unconsumed_tail or next(pieces, b"")
            if not data and not text:
                self.damage = "its gzip data ends early"
                return

    # -- lines ---------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines.

        Raises:
            UsageError: it cannot be read, is empty, or is plainly something else than a trace.

        """
        rest = b""
        for text in self.text():
            self.size += len(text)
            lines = (rest + text).split(b"\n")
            rest = lines.pop()
            yield from lines
            if len(rest) > LONGEST:
                # Kept long enough to be seen as no line of a trace.
                rest = rest[: LONGEST + 1]
        if rest:
            self.cut = True
        if not self.size:
            raise self.bad(self.damage or "it is empty")
