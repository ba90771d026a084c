"""A machine that has booted a kernel and waits for jobs: by a boot, or by a snapshot of one.

``boot`` gives one, ``Machine.run`` runs a job. A snapshot is QEMU's migration stream of a machine
that has booted and waits; it is made once for a kernel, a machine and a program of ours, and what
is given to QEMU besides, such as a plugin, may differ from one use to the next.
"""

import contextlib
import hashlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.kernel.debian import cache
from harness.kernel.emulator import POLL_SECONDS, QEMU, Emulator, Hardware, emulate
from harness.kernel.errors import MachineFailedError
from harness.kernel.initrd import pack
from harness.kernel.toolchain import build_host

__all__ = ["Machine", "Outcome", "boot", "identity"]

BOOT_SECONDS = 300.0
RESUME_SECONDS = 60.0
KEPT = 8
"""So many snapshots are kept."""
APPEND = "console=ttyAMA0 quiet panic=-1 nokaslr nowatchdog"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job left: its exit code (``host/host.h``), and the lines that it printed."""

    code: int
    lines: tuple[str, ...]


class Machine:
    """A machine that waits for jobs."""

    def __init__(self, emulator: Emulator, seconds: float) -> None:
        self.emulator = emulator
        self.seconds = seconds
        """What it took to get there."""

    def command(self, words: str, seconds: float) -> Outcome:
        """Have it do something, for at most so many seconds.

        Raises:
            MachineFailedError: it does not end in time, or the machine itself ends.
        """
        self.emulator.send(words)
        until = time.monotonic() + seconds
        lines: list[str] = []
        while True:
            line = self.emulator.next_line(max(0.0, until - time.monotonic()))
            if line is None:
                raise self.emulator.failed(f"{words.split(' ', maxsplit=1)[0]!r} did not end")
            if line.startswith("ENDED "):
                return Outcome(int(line.split()[1]), tuple(lines))
            lines.append(line)

    def run(self, words: Mapping[str, object], seconds: float) -> Outcome:
        """Run a job: the fields of ``struct job`` of ``host/host.h``, by name; of a tuple each.

        Raises:
            MachineFailedError: it does not end in so many seconds, or the machine itself ends.
        """
        said = [
            f"{name}={value}"
            for name, values in words.items()
            for value in (values if isinstance(values, tuple) else (values,))
        ]
        return self.command(" ".join(["run", *said]), seconds)

    def get(self, path: str, seconds: float = 60.0) -> bytes:
        """Return the content of a file of the machine.

        Raises:
            MachineFailedError: there is none, or it is not to be had in time.
        """
        with tempfile.TemporaryDirectory(prefix="vgic-race-get-") as folder:
            to = Path(folder) / "file"
            outcome = self.command(f"get {path} {to}", seconds)
            if outcome.code or not to.exists():
                raise self.emulator.failed(f"no {path}")
            return to.read_bytes()


@contextlib.contextmanager
def boot(
    image: Path,
    hardware: Hardware,
    *,
    extra: Sequence[str] = (),
    append: str = "",
    snapshot: bool = True,
) -> Iterator[Machine]:
    """Give a machine that has booted ``image`` and waits for jobs; it is ended with the block.

    Args:
        image: the kernel, uncompressed.
        hardware: the machine.
        extra: more arguments for QEMU, such as ``-plugin``; not part of what a snapshot is of.
        append: more words of the kernel's command line.
        snapshot: use one, and make it where there is none, if such a machine can be saved.

    Raises:
        KernelUnavailableError: QEMU or the compiler is missing.
        MachineFailedError: the kernel does not boot, or has no KVM.
    """
    program = build_host()
    words = f"{APPEND} {append}".strip()
    snapshot = snapshot and hardware.can_be_saved
    with tempfile.TemporaryDirectory(prefix="vgic-race-boot-") as folder:
        initrd = Path(folder) / "initrd"
        initrd.write_bytes(pack({"init": program}, ("dev", "proc", "sys", "tmp")))
        start = ["-kernel", str(image), "-initrd", str(initrd), "-append", words]
        kept = snapshot_of(image, hardware, program, words)
        if snapshot and not kept.exists():
            with emulate(hardware, start) as emulator:
                booted(emulator)
                save(emulator, kept)
        if snapshot:
            kept.touch()
            start += ["-incoming", f"exec:cat {kept}"]
        began = time.monotonic()
        with emulate(hardware, [*start, *extra]) as emulator:
            if snapshot:
                resumed(emulator)
            else:
                booted(emulator)
            yield Machine(emulator, time.monotonic() - began)


def booted(emulator: Emulator) -> None:
    """Wait until our program is up.

    Raises:
        MachineFailedError: it does not come up, or there is no KVM.
    """
    if emulator.wait("HOST UP (.*)", BOOT_SECONDS)[1] != "kvm":
        raise MachineFailedError("the kernel has no KVM: there is no /dev/kvm")


def resumed(emulator: Emulator) -> None:
    """Wait until the snapshot is read, and let it run.

    Raises:
        MachineFailedError: it cannot be read.
    """
    until = time.monotonic() + RESUME_SECONDS
    while "inmigrate" in emulator.monitor("info status", RESUME_SECONDS):
        if time.monotonic() > until or emulator.ended:
            raise emulator.failed("its snapshot cannot be read")
        time.sleep(POLL_SECONDS)
    emulator.monitor("cont", RESUME_SECONDS)


def save(emulator: Emulator, to: Path) -> None:
    """Save a snapshot, and forget the oldest ones.

    Raises:
        MachineFailedError: QEMU does not save it.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_suffix(".partial")
    emulator.monitor("migrate_set_parameter max-bandwidth 1G", RESUME_SECONDS)
    emulator.monitor("stop", RESUME_SECONDS)
    emulator.monitor(f'migrate "exec:cat >{partial}"', RESUME_SECONDS)
    said = emulator.monitor("info migrate", RESUME_SECONDS)
    if "Migration status: completed" not in said:
        raise emulator.failed(f"no snapshot: {said}")
    partial.replace(to)
    saved = sorted(to.parent.glob("*.state"), key=lambda path: path.stat().st_mtime)
    for old in saved[:-KEPT]:
        old.unlink()


def snapshot_of(image: Path, hardware: Hardware, program: bytes, words: str) -> Path:
    """Return where the snapshot of such a machine is, or will be."""
    version = subprocess.run([QEMU, "--version"], capture_output=True, check=False).stdout
    parts = (identity(image).encode(), repr(hardware).encode(), program, words.encode(), version)
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts))
    return cache() / "snapshots" / f"{digest.hexdigest()[:32]}.state"


def identity(image: Path) -> str:
    """Return what tells a kernel from all others: a digest of its image."""
    with image.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
