"""The mailbox: lists of records that the agent executes, in RAM shared with QEMU.

A record is 32 bytes: operation, CPU, address or stub number, value, result. The agent executes a
list to its END record and then looks for the next; two buffers let the host prepare and compare
one list while QEMU executes the other.
"""

import mmap
import struct
import subprocess
import time
from pathlib import Path
from typing import IO

from harness.conform.qemu import layout

__all__ = [
    "EL1_READ",
    "EL1_WRITE",
    "END",
    "NOP",
    "READ8",
    "READ32",
    "READ64",
    "RECORD",
    "SNAP_CPU",
    "SNAP_SHARED",
    "SYS_READ",
    "SYS_WRITE",
    "WRITE8",
    "WRITE32",
    "WRITE64",
    "Mailbox",
    "MailboxError",
    "Record",
]

(
    END,
    NOP,
    READ8,
    WRITE8,
    READ32,
    WRITE32,
    READ64,
    WRITE64,
    SYS_READ,
    SYS_WRITE,
    EL1_READ,
    EL1_WRITE,
    SNAP_CPU,
    SNAP_SHARED,
) = range(14)

#: (operation, CPU, address or stub, value)
Record = tuple[int, int, int, int]

RECORD = struct.Struct("<IIQQQ")
_FAULTED = 0x80000000
_WORD = struct.Struct("<Q")


class MailboxError(Exception):
    """The agent does not answer, or an operation of ours took an exception."""


class Mailbox:
    """The shared RAM, seen from the host. There are two buffers for lists, 0 and 1."""

    def __init__(self, ram: mmap.mmap) -> None:
        self.ram = ram
        self.words = memoryview(ram).cast("Q")
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: IO[bytes] | None = None
        self._sequence = 0

    @classmethod
    def create(cls, path: Path) -> "Mailbox":
        """Make the file that QEMU uses as its RAM (64 MiB, sparse), and map it.

        Raises:
            OSError: the file cannot be made or mapped.
        """
        with path.open("w+b") as file:
            file.truncate(layout.RAM_BYTES)
            return cls(mmap.mmap(file.fileno(), layout.RAM_BYTES))

    def close(self) -> None:
        """Unmap the RAM; nothing of it may be used afterwards."""
        self.words.release()
        self.ram.close()

    def attach(self, process: "subprocess.Popen[bytes]", messages: IO[bytes]) -> None:
        """Say whose death to look for while waiting, and where its messages are."""
        self._process = process
        self._messages = messages

    def _control(self, field: int) -> int:
        return (layout.CONTROL - layout.RAM + field) // 8

    def set_cpus(self, cpus: int) -> None:
        """Tell the agent how many CPUs to start."""
        self.words[self._control(layout.CTL_CPUS)] = cpus

    def _check_alive(self) -> None:
        if self._process is None or self._process.poll() is None:
            return
        text = ""
        if self._messages is not None:
            self._messages.seek(0)
            text = self._messages.read().decode(errors="replace").strip()
        raise MailboxError(f"QEMU ended with status {self._process.returncode}: {text}")

    def _wait(self, word: int, value: int, seconds: float, what: str) -> None:
        words = self.words
        deadline = time.monotonic() + seconds
        delay = 0.0001
        while words[word] != value:
            time.sleep(delay)
            if delay < 0.002:
                delay *= 1.5
            else:
                self._check_alive()
            if time.monotonic() > deadline:
                raise MailboxError(f"no answer from the agent within {seconds:.0f} s: {what}")

    def wait_ready(self, cpus: int, seconds: float) -> None:
        """Wait until every CPU runs the agent's loop, for at most ``seconds`` each.

        Raises:
            MailboxError: a CPU does not, or QEMU has ended.
        """
        for cpu in range(cpus):
            self._wait(self._control(layout.CTL_READY) + cpu, 1, seconds, f"start of CPU {cpu}")

    # -- lists ---------------------------------------------------------------------------------

    def submit(self, buffer: int, records: list[Record]) -> int:
        """Put a list into a buffer and hand it to the agent; the previous list must be done.

        Returns:
            The list's number, which :meth:`finish` waits for.
        """
        pack = RECORD.pack
        return self.submit_bytes(
            buffer, b"".join([pack(op, cpu, where, value, 0) for op, cpu, where, value in records])
        )

    def submit_bytes(self, buffer: int, image: bytes) -> int:
        """Hand over a list that is already packed, 32 bytes a record; see :meth:`submit`."""
        base = layout.BUFFERS[buffer] - layout.RAM
        self._sequence += 1
        cpu = RECORD.unpack_from(image, len(image) - RECORD.size)[1]
        image += RECORD.pack(END, cpu, 0, self._sequence, 0)
        self.ram[base : base + len(image)] = image
        self.words[self._control(layout.CTL_LIST)] = layout.BUFFERS[buffer]
        self.words[self._control(layout.CTL_GO)] = self._sequence
        return self._sequence

    def finish(self, sequence: int, seconds: float = 60.0) -> int:
        """Wait for a list, at most ``seconds``.

        Returns:
            How many operations have taken an exception since QEMU was started.

        Raises:
            MailboxError: no answer in that time, or QEMU has ended.
        """
        self._wait(self._control(layout.CTL_DONE), sequence, seconds, f"list {sequence}")
        return self.words[self._control(layout.CTL_FAULTS)]

    def result(self, buffer: int, index: int) -> int:
        """Return the result of record ``index`` of a buffer: what it read, if it reads."""
        base = (layout.BUFFERS[buffer] - layout.RAM) // 8
        return self.words[base + index * 4 + 3]

    def faulted(self, buffer: int, count: int) -> list[int]:
        """Return which of the first ``count`` records of a buffer took an exception."""
        base = layout.BUFFERS[buffer] - layout.RAM
        return [
            index
            for index in range(count)
            if _WORD.unpack_from(self.ram, base + index * 32)[0] & _FAULTED
        ]

    def call(self, records: list[Record]) -> list[int]:
        """Execute a list at once and return the result of every record.

        Raises:
            MailboxError: a record took an exception (its syndrome, ESR, is named), or no answer.
        """
        before = self.words[self._control(layout.CTL_FAULTS)]
        after = self.finish(self.submit(0, records))
        if after != before:
            bad = self.faulted(0, len(records))
            index = bad[0]
            raise MailboxError(
                f"record {records[index]} took an exception: syndrome {self.result(0, index):#x}"
            )
        return [self.result(0, index) for index in range(len(records))]
