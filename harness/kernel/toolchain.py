"""The programs that run in the machine, compiled for arm64."""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from harness.kernel.errors import KernelUnavailableError

__all__ = ["Program", "build_execution", "build_guest", "build_host", "build_program", "build_vmm"]

_CC = "aarch64-linux-gnu-gcc"
_OBJCOPY = "aarch64-linux-gnu-objcopy"
_NM = "aarch64-linux-gnu-nm"
_PACKAGES = "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
CONSOLES = ("init.c", "semihosting.c")
"""What of the VMM takes jobs from a console, and files from who runs QEMU."""
_FLAGS = ("-O1", "-Wall", "-Wextra", "-Werror", "-static")
_BARE = (
    "-ffreestanding",
    "-nostdlib",
    "-mgeneral-regs-only",
    "-mstrict-align",
    "-fno-pic",
    "-Wl,--build-id=none,--no-warn-rwx-segments",
)


def build_program(name: str) -> bytes:
    """Compile ``NAME.c`` of this folder to a static program for Linux.

    Raises:
        KernelUnavailableError: there is no compiler for arm64, or it refuses.
    """
    with as_file(files("harness.kernel")) as folder:
        return _compile(["-pthread", str(folder / f"{name}.c")])


@functools.cache
def build_host() -> bytes:
    """Compile the program that is init in the machine and runs jobs, ``host/*.c``.

    Raises:
        KernelUnavailableError: there is no compiler for arm64, or it refuses.
    """
    with as_file(files("harness.kernel")) as folder:
        sources = sorted(str(path) for path in (folder / "host").glob("*.c"))
        return _compile(["-pthread", *sources])


@functools.cache
def build_vmm() -> bytes:
    """Compile the VMM by itself: a program whose arguments are the words of a job.

    Raises:
        KernelUnavailableError: there is no compiler for arm64, or it refuses.
    """
    with as_file(files("harness.kernel")) as folder:
        own = [path for path in (folder / "host").glob("*.c") if path.name not in CONSOLES]
        own += (folder / "steer" / "reproducer_files").glob("*.c")
        return _compile(["-pthread", f"-I{folder / 'host'}", *sorted(map(str, own))])


def build_guest(source: Path) -> bytes:
    """Compile a guest in C that includes ``guest.h``, to what ``vmm`` loads.

    Raises:
        KernelUnavailableError: there is no compiler for arm64, or it refuses.
    """
    with as_file(files("harness.kernel")) as folder:
        return _link(folder / "start.S", source, ()).code


def build_execution(source: Path, *flags: str) -> "Program":
    """Compile a guest in C that includes ``guests/execute.h``, to what ``host`` loads.

    Raises:
        KernelUnavailableError: there is no compiler for arm64, or it refuses.
    """
    with as_file(files("harness.kernel")) as folder:
        return _link(folder / "guests" / "start.S", source, (f"-I{folder / 'guests'}", *flags))


@dataclass(frozen=True, slots=True)
class Program:
    """A guest: what is loaded at ``RAM_BASE``, and the addresses of its functions by name."""

    code: bytes
    symbols: Mapping[str, int]


def _link(start: Path, source: Path, flags: tuple[str, ...]) -> Program:
    with as_file(files("harness.kernel")) as folder, tempfile.TemporaryDirectory() as work:
        script = ["-T", str(folder / "guest.ld"), f"-I{folder}", *flags]
        elf = Path(work) / "guest.elf"
        elf.write_bytes(_compile([*_BARE, *script, str(start), str(source)]))
        flat = Path(work) / "guest.bin"
        _run([_OBJCOPY, "-O", "binary", str(elf), str(flat)])
        named = [line.split() for line in _run([_NM, "--defined-only", str(elf)]).splitlines()]
        symbols = {name: int(at, 16) for at, _, name in named}
        return Program(flat.read_bytes(), symbols)


def _compile(arguments: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as work:
        output = Path(work) / "out"
        _run([_CC, *_FLAGS, *arguments, "-o", str(output)])
        return output.read_bytes()


def _run(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        raise KernelUnavailableError(f"{command[0]} is missing: apt-get install {_PACKAGES}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KernelUnavailableError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout
