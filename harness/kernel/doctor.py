"""What there is on this machine to run real kernels, and what is missing."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.kernel.boot import boot
from harness.kernel.debian import kept
from harness.kernel.emulator import QEMU, Hardware
from harness.kernel.errors import KernelUnavailableError, MachineFailedError
from harness.kernel.image import Image, choose

__all__ = ["Finding", "examine"]

APT = "apt-get install --no-install-recommends "
PROGRAMS = (
    ("QEMU", QEMU, "qemu-system-arm"),
    ("compiler for arm64", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("compiler for QEMU's plugin", "gcc", "gcc libc6-dev"),
    ("apt, for Debian's kernels", "apt-get", ""),
    ("dpkg-deb, for Debian's kernels", "dpkg-deb", ""),
    ("make, for kernel build", "make", "make"),
    ("flex, for kernel build", "flex", "flex"),
    ("bison, for kernel build", "bison", "bison"),
    ("bc, for kernel build", "bc", "bc"),
)
LIBC = '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n'


@dataclass(frozen=True, slots=True)
class Finding:
    """A part: whether it is there, what is said of it, and the line that installs it ("").

    ``needed``: nothing can be run without it.
    """

    part: str
    there: bool
    said: str
    install: str = ""
    needed: bool = True


def examine(wanted: str | None) -> list[Finding]:
    """Look at everything; with ``wanted``, or a kernel in the cache, boot that as well.

    Raises:
        UsageError: ``wanted`` is no kernel.
    """
    found = [program(*each) for each in PROGRAMS]
    found += [libc(), plugins()]
    image = choose(wanted) if wanted is not None or kept() else None
    if image is None:
        said = "none in the cache; or give one of yours by --kernel FILE"
        return [*found, Finding("kernel", False, said, "vgic-race kernel get")]
    found.append(Finding("kernel", True, f"{image.version}, build id {image.build_id}"))
    if all(each.there for each in found if each.part in ("QEMU", "C library for arm64")):
        found += inside(image)
    return found


def program(part: str, name: str, packages: str) -> Finding:
    """Look for a program."""
    path = shutil.which(name)
    install = APT + packages if packages else ""
    needed = name in (QEMU, "aarch64-linux-gnu-gcc")
    return Finding(part, path is not None, path or f"no {name}", install, needed)


def libc() -> Finding:
    """Try whether a static program can be compiled for arm64."""
    install = APT + "libc6-dev-arm64-cross"
    part = "C library for arm64"
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    if compiler is None:
        return Finding(part, False, "no compiler to ask", install)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "a.c"
        source.write_text(LIBC, encoding="ascii")
        command = [compiler, "-static", str(source), "-o", str(Path(folder) / "a")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return Finding(part, False, "no static program can be compiled", install)
    return Finding(part, True, "static programs compile")


def plugins() -> Finding:
    """Ask QEMU whether it takes plugins."""
    part = "QEMU with plugins"
    if shutil.which(QEMU) is None:
        return Finding(part, False, f"no {QEMU}", APT + "qemu-system-arm")
    done = subprocess.run([QEMU, "--help"], capture_output=True, text=True, check=False)
    version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"version (\S+)", version.stdout)
    there = "-plugin" in done.stdout
    said = f"QEMU {number[1] if number else '?'}"
    hint = "" if there else "Debian's package is built with --enable-plugins"
    return Finding(part, there, said if there else f"{said} takes none: {hint}", needed=False)


def inside(image: Image) -> list[Finding]:
    """Boot a kernel, and ask it."""
    try:
        with boot(image.path, Hardware()) as machine:
            seconds = machine.seconds
            symbols = machine.get("/proc/kallsyms")
            probes = has(machine.get, "/sys/kernel/tracing/kprobe_events")
    except (KernelUnavailableError, MachineFailedError) as error:
        return [Finding("KVM in it", False, str(error).splitlines()[0])]
    known = re.search(rb"^(?!0+ )\w+ [tT] kvm_vgic_flush_hwstate$", symbols, re.MULTILINE)
    return [
        Finding("KVM in it", True, f"/dev/kvm, {seconds:.1f} s to get there"),
        Finding(
            "kallsyms in it",
            known is not None,
            "kvm_vgic_flush_hwstate is there" if known else "no kvm_vgic_flush_hwstate",
            "" if known else "CONFIG_KALLSYMS=y",
        ),
        Finding(
            "kprobe events in it",
            probes,
            "for traces" if probes else "none: run and stress need none, traces do",
            "" if probes else "CONFIG_KPROBE_EVENTS=y, CONFIG_FTRACE=y",
            needed=False,
        ),
    ]


def has(get: object, path: str) -> bool:
    """Tell whether the machine has a file."""
    assert callable(get)
    try:
        get(path)
    except MachineFailedError:
        return False
    return True
