"""QEMU's `virt` as an arm64 machine that is a KVM host, and the lines of its console.

QEMU is ended by its process id however the ``with`` block is left, and with this process. Nothing
of it listens but a socket in a folder of its own.
"""

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.conform.qemu.process import die_with_parent
from harness.kernel.errors import KernelUnavailableError, MachineFailedError

__all__ = ["QEMU", "Emulator", "Hardware", "emulate"]

QEMU = "qemu-system-aarch64"
LAST_LINES, TOLD_LINES = 60, 3
"""Of the console, with an error and in its text."""
END_SECONDS = 5.0
POLL_SECONDS = 0.02
PROMPT = b"(qemu) "


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine: its GIC's version, QEMU's name of its CPU, how many of them, its memory.

    "cortex-a57" is a CPU without VHE (the host is nVHE), "max" is one with.
    """

    gic: int = 3
    cpu: str = "cortex-a57"
    cpus: int = 2
    memory: str = "512M"

    @property
    def can_be_saved(self) -> bool:
        """Whether QEMU saves all of it: not the timer of EL2, by which a host with VHE runs."""
        return self.cpu != "max"

    def arguments(self) -> list[str]:
        """Return QEMU's arguments."""
        return [
            *("-machine", f"virt,virtualization=on,gic-version={self.gic}"),
            *("-cpu", self.cpu, "-smp", str(self.cpus), "-m", self.memory),
            *("-accel", "tcg,thread=multi", "-display", "none", "-net", "none", "-no-reboot"),
            *("-semihosting-config", "enable=on,target=native,userspace=on"),
        ]


class Emulator:
    """A running QEMU: what its console prints, line by line, and what is typed there."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.lines: list[str] = []
        self.read = 0
        self.changed = threading.Condition()
        self.ended = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        """Take the console's lines until QEMU ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\r\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def next_line(self, seconds: float) -> str | None:
        """Return the console's next line; None if there is none in so many seconds, or QEMU ended.

        Every line is given once, to this or to :meth:`wait`.
        """
        until = time.monotonic() + seconds
        with self.changed:
            while self.read == len(self.lines):
                left = until - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self.changed.wait(left)
            self.read += 1
            return self.lines[self.read - 1]

    def wait(self, pattern: str, seconds: float) -> re.Match[str]:
        """Return the match of the first line from here on that begins with ``pattern``.

        Raises:
            MachineFailedError: there is none in so many seconds; says what the console's end is.
        """
        until = time.monotonic() + seconds
        while True:
            line = self.next_line(max(0.0, until - time.monotonic()))
            if line is None:
                raise self.failed(f"no {pattern!r} in {seconds:.0f} s")
            found = re.match(pattern, line)
            if found is not None:
                return found

    def send(self, line: str) -> None:
        """Type a line at the console.

        Raises:
            MachineFailedError: QEMU has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self.failed("QEMU has ended") from None

    def monitor(self, command: str, seconds: float) -> str:
        """Give a command to QEMU's monitor, and return what it answers when it is done.

        Raises:
            MachineFailedError: it gave no answer.
        """
        until = time.monotonic() + seconds
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as door:
                    door.settimeout(seconds)
                    door.connect(str(self.folder / "monitor"))
                    read_to(door, PROMPT)
                    door.sendall(command.encode() + b"\n")
                    answer = read_to(door, PROMPT)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if self.ended or time.monotonic() > until:  # it has not begun to listen
                    raise self.failed(f"nobody to tell {command!r}") from None
                time.sleep(POLL_SECONDS)
            except OSError as error:
                raise self.failed(f"no answer to {command!r}: {error}") from None
        return answer.decode(errors="replace")

    def failed(self, what: str) -> MachineFailedError:
        """Return an error that says what happened, and what the console's last lines were."""
        said = " / ".join(self.lines[-TOLD_LINES:]) or "nothing"
        return MachineFailedError(
            f"the machine failed: {what}; it said last: {said}", self.lines[-LAST_LINES:]
        )

    def end(self) -> None:
        """End QEMU, if it has not ended."""
        self.process.kill()
        self.process.wait()
        self.reader.join(END_SECONDS)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def read_to(door: socket.socket, end: bytes) -> bytes:
    """Read until ``end`` comes.

    Raises:
        ConnectionError: it does not.
    """
    found = b""
    while end not in found:
        more = door.recv(1 << 16)
        if not more:
            raise ConnectionError("closed")
        found += more
    return found


@contextlib.contextmanager
def emulate(hardware: Hardware, arguments: Sequence[str]) -> Iterator[Emulator]:
    """Start QEMU with this hardware and more arguments; it is ended with the block.

    Raises:
        KernelUnavailableError: there is no QEMU.
    """
    if shutil.which(QEMU) is None:
        raise KernelUnavailableError(f"{QEMU} is missing: apt-get install qemu-system-arm")
    with tempfile.TemporaryDirectory(prefix="vgic-race-qemu-") as name:
        folder = Path(name)
        command = [
            *(QEMU, *hardware.arguments()),
            *("-monitor", f"unix:{folder / 'monitor'},server=on,wait=off", "-serial", "stdio"),
            *arguments,
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
        emulator = Emulator(process, folder)
        try:
            yield emulator
        finally:
            emulator.end()
