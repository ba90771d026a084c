"""The programs that run in the machine, compiled for arm64."""

import shutil
import subprocess
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from harness.kernel.errors import KernelUnavailableError

__all__ = ["build_guest", "build_program"]

_CC = "aarch64-linux-gnu-gcc"
_OBJCOPY = "aarch64-linux-gnu-objcopy"
_PACKAGES = "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
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


def build_guest(source: Path) -> bytes:
    """Compile a guest in C that includes ``guest.h``, to what ``vmm`` loads.

    Raises:
        KernelUnavailableError: there is no compiler for arm64, or it refuses.
    """
    with as_file(files("harness.kernel")) as folder, tempfile.TemporaryDirectory() as work:
        script = ["-T", str(folder / "guest.ld"), f"-I{folder}"]
        elf = Path(work) / "guest.elf"
        elf.write_bytes(_compile([*_BARE, *script, str(folder / "start.S"), str(source)]))
        flat = Path(work) / "guest.bin"
        _run([_OBJCOPY, "-O", "binary", str(elf), str(flat)])
        return flat.read_bytes()


def _compile(arguments: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as work:
        output = Path(work) / "out"
        _run([_CC, *_FLAGS, *arguments, "-o", str(output)])
        return output.read_bytes()


def _run(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise KernelUnavailableError(f"{command[0]} is missing: apt-get install {_PACKAGES}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KernelUnavailableError(f"{command[0]} failed: {done.stderr.strip()}")
