"""Messages between a campaign and its workers: pickled values on a socket, each with its length.

Both ends are one program on one machine, on a pair of sockets that nobody else has.
"""

import pickle
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["Frames"]

LENGTH = struct.Struct("!I")
CHUNK = 1 << 16


class Frames:
    """One end of a conversation. Several threads may send; one receives."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.got = bytearray()
        self.sending = threading.Lock()

    def fileno(self) -> int:
        """Return the file descriptor, for selectors."""
        return self.end.fileno()

    def send(self, value: Any) -> None:
        """Send a value.

        Raises:
            OSError: the other end is gone.
        """
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        with self.sending:
            self.end.sendall(LENGTH.pack(len(data)) + data)

    def receive(self) -> list[Any] | None:
        """Wait for what comes next, and return the values that are complete; None at the end."""
        try:
            data = self.end.recv(CHUNK)
        except (ConnectionError, InterruptedError):
            data = b""
        if not data:
            return None
        self.got += data
        return list(self.complete())

    def complete(self) -> Iterator[Any]:
        """Take out the values of which all is there."""
        while len(self.got) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.got)
            end = LENGTH.size + length
            if len(self.got) < end:
                return
            data = bytes(self.got[LENGTH.size : end])
            del self.got[:end]
            yield pickle.loads(data)

    def close(self) -> None:
        """Close this end."""
        self.end.close()
