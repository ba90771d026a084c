"""The plugin of QEMU that steers: our C source, compiled when it is first used."""

import functools
import hashlib
import re
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

from harness.kernel.debian import cache
from harness.kernel.emulator import QEMU
from harness.kernel.errors import KernelUnavailableError

__all__ = ["build_plugin", "qemu_version"]

CC = "gcc"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden")
API_2_SINCE = 9
"""From this QEMU on version 1 of its plugin API is refused; what is used here did not change."""


@functools.cache
def qemu_version() -> str:
    """Return QEMU's version, as "7.2.22".

    Raises:
        KernelUnavailableError: there is no QEMU.
    """
    if shutil.which(QEMU) is None:
        raise KernelUnavailableError(f"{QEMU} is missing: apt-get install qemu-system-arm")
    said = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version ([\d.]+)", said)
    return found[1] if found else "unknown"


def build_plugin() -> Path:
    """Return the compiled plugin; it is compiled if it is not in the cache.

    Raises:
        KernelUnavailableError: there is no QEMU or no compiler, or the compiler refuses.
    """
    major = qemu_version().split(".")[0]
    api = 2 if major.isdigit() and int(major) >= API_2_SINCE else 1
    with as_file(files("harness.kernel.steer")) as folder:
        sources = sorted((folder / "plugin").glob("*.[ch]"))
        digest = hashlib.sha256(f"{api} {FLAGS}".encode())
        for source in sources:
            digest.update(source.read_bytes())
        path = cache() / "plugins" / f"{digest.hexdigest()[:32]}.so"
        if path.exists():
            return path
        if shutil.which(CC) is None:
            raise KernelUnavailableError(
                f"{CC} is missing, for QEMU's plugin: "
                "apt-get install --no-install-recommends gcc libc6-dev"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        code = [str(source) for source in sources if source.suffix == ".c"]
        command = [CC, *FLAGS, f"-DPLUGIN_API={api}", *code, "-o", str(partial), "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KernelUnavailableError(f"{CC} failed on QEMU's plugin: {done.stderr.strip()}")
    partial.replace(path)
    return path
