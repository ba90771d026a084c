"""A small kernel with KVM out of a source tree: minutes the first time, seconds after a change.

The source is a tree of the user's, or a tarball such as Debian's linux-source. A tarball is
unpacked once; patches are laid over what was unpacked, or over a copy of the tree, and those of the
last build are taken back first, so that make compiles only what they touch.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from harness.errors import UsageError
from harness.kernel.debian import cache, source
from harness.kernel.errors import KernelUnavailableError, MachineFailedError
from harness.kernel.image import Image, read_image

__all__ = ["Built", "build_kernel"]

CROSS = "aarch64-linux-gnu-"
PROGRAMS = (
    ("make", "make"), ("flex", "flex"), ("bison", "bison"), ("bc", "bc"), ("gcc", "gcc libc6-dev"),
    (f"{CROSS}gcc", "gcc-aarch64-linux-gnu"), ("patch", "patch"), ("tar", "tar"),
    ("xz", "xz-utils"),
)  # fmt: skip
MUST = (
    "CONFIG_KVM",
    "CONFIG_KALLSYMS",
    "CONFIG_BLK_DEV_INITRD",
    "CONFIG_SERIAL_AMBA_PL011_CONSOLE",
)
IMAGE = "arch/arm64/boot/Image"
LAST_LINES = 15
SECONDS = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class Built:
    """A kernel that was built, and options that were wanted and that this source does not take."""

    image: Image
    left_out: tuple[str, ...]


def build_kernel(
    wanted: str,
    patches: Sequence[Path],
    *,
    jobs: int,
    config: Path | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Built:
    """Build a kernel.

    Args:
        wanted: a source tree, a tarball, or a version of which Debian has the source ("7.2").
        patches: laid over it in this order, as ``patch -p1`` takes them.
        jobs: so many compilers at a time.
        config: options besides ``minimal.config``, one a line.
        say: is told what is being done.

    Raises:
        UsageError: there is no such source, or a patch does not fit.
        KernelUnavailableError: a program that it takes is missing.
        MachineFailedError: it does not compile; says the compiler's last lines.
    """
    missing = [f"{name} ({package})" for name, package in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise KernelUnavailableError(f"kernel build needs {', '.join(missing)}: see kernel doctor")
    texts = [read_patch(path) for path in patches]
    tree, output = prepared(wanted, say)
    lay(tree, texts, say)
    options = (files("harness.kernel") / "minimal.config").read_text(encoding="utf-8")
    if config is not None:
        options += read_patch(config).decode(errors="replace")
    left_out = configure(tree, output, options.splitlines(), jobs)
    say(f"make {IMAGE}")
    make(tree, output, jobs, "Image")
    return Built(read_image(output / IMAGE), left_out)


def read_patch(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"file {str(path)!r}: {error.strerror or error}") from None


def prepared(wanted: str, say: Callable[[str], None]) -> tuple[Path, Path]:
    """Return a tree that may be patched, and the folder that is built in.

    Raises:
        UsageError: it is no source of Linux.
        KernelUnavailableError: Debian has no source of this version.
    """
    is_version = re.fullmatch(r"\d+\.\d+", wanted) and not Path(wanted).exists()
    path = (source(wanted) if is_version else Path(wanted)).resolve()
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    folder = cache() / "build" / name
    tree = folder / "tree"
    if path.is_dir():
        if not (path / "arch/arm64/kvm").is_dir():
            raise UsageError(f"source {wanted!r}: no tree of Linux: it has no arch/arm64/kvm")
        say(f"copying what changed in {path}")
        lay(tree, [], say)
        copy(path, tree)
    elif not path.is_file():
        raise UsageError(
            f"source {wanted!r}: expected a tree of Linux, a tarball of one, or a version as 7.2"
        )
    elif not (tree / "Makefile").exists():
        say(f"unpacking {path.name}")
        unpack(path, tree)
    return tree, folder / "output"


def copy(source_tree: Path, to: Path) -> None:
    """Bring a copy of a tree up to date: what is newer there, or new."""
    for folder, names, found in os.walk(source_tree):
        if ".git" in names:
            names.remove(".git")
        target = to / Path(folder).relative_to(source_tree)
        target.mkdir(parents=True, exist_ok=True)
        for name in found:
            ours, theirs = target / name, Path(folder) / name
            if theirs.is_symlink():
                if not ours.is_symlink():
                    ours.symlink_to(theirs.readlink())
            elif not ours.exists() or ours.stat().st_mtime_ns != theirs.stat().st_mtime_ns:
                shutil.copy2(theirs, ours)


def unpack(tarball: Path, to: Path) -> None:
    """Unpack a tarball, whose files are all in one folder.

    Raises:
        UsageError: it is no such tarball.
    """
    partial = to.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    command = ["tar", "-xf", str(tarball), "-C", str(partial)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise UsageError(f"source {str(tarball)!r}: {reason}")
    inner = [each for each in partial.iterdir() if (each / "arch/arm64/kvm").is_dir()]
    if len(inner) != 1:
        raise UsageError(f"source {str(tarball)!r}: no tree of Linux is in it")
    inner[0].replace(to)
    shutil.rmtree(partial)


def lay(tree: Path, patches: Sequence[bytes], say: Callable[[str], None]) -> None:
    """Take back the patches that were laid over a tree, and lay these; each whole, or not at all.

    Raises:
        UsageError: one does not fit; the tree is then as it was unpacked.
    """
    laid = tree.parent / "patches"
    for old in sorted(laid.glob("*.patch"), reverse=True):
        patch(tree, old.read_bytes(), "-R")
        old.unlink()
    for n, text in enumerate(patches):
        said = patch(tree, text, "--dry-run")
        if said:
            lay(tree, [], say)
            raise UsageError(f"patch {n + 1} does not fit: {said}")
        patch(tree, text)
        laid.mkdir(parents=True, exist_ok=True)
        (laid / f"{n:04}.patch").write_bytes(text)
        say(f"patch {n + 1} is in")


def patch(tree: Path, text: bytes, *how: str) -> str:
    """Run patch; return "" if that went well, else what it said."""
    command = ["patch", "-p1", "--forward", "--batch", "--no-backup-if-mismatch", "-s", *how]
    if "-R" in how:
        command.remove("--forward")
    done = subprocess.run(command, cwd=tree, input=text, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else "; ".join(said[:3]) or "no reason given"


def configure(tree: Path, output: Path, options: Sequence[str], jobs: int) -> tuple[str, ...]:
    """Configure unless that was done with these options; return those that were not taken.

    Raises:
        UsageError: the kernel could not be run as it would be.
        MachineFailedError: make failed.
    """
    wanted = [line for line in options if line.startswith("CONFIG_")]
    stamp, config = output / "wanted.config", output / ".config"
    said = "\n".join(wanted) + "\n"
    if not config.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != said:
        output.mkdir(parents=True, exist_ok=True)
        make(tree, output, jobs, "tinyconfig")
        with config.open("a", encoding="utf-8") as file:
            file.write(said)
        make(tree, output, jobs, "olddefconfig")
        stamp.write_text(said, encoding="utf-8")
    taken = set(config.read_text(encoding="utf-8").splitlines())
    left_out = tuple(line.partition("=")[0] for line in wanted if line not in taken)
    if lacking := [name for name in MUST if f"{name}=y" not in taken]:
        raise UsageError(f"the source does not take {', '.join(lacking)}: nothing would run")
    return left_out


def make(tree: Path, output: Path, jobs: int, target: str) -> None:
    """Run make; what it says is in ``make.log`` of the output.

    Raises:
        MachineFailedError: it failed; says its last lines.
    """
    log = output / "make.log"
    command = [
        "make", "-C", str(tree), f"O={output}", "ARCH=arm64", f"CROSS_COMPILE={CROSS}",
        f"-j{jobs}", "KCFLAGS=-Wno-error", target,
    ]  # fmt: skip
    with log.open("wb") as file:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise MachineFailedError(f"make {target} took more than {SECONDS:.0f} s") from None
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        wrong = [line for line in lines if "error:" in line or "Error " in line] or lines
        raise MachineFailedError("\n".join([f"make {target} failed:", *wrong[-LAST_LINES:]]))
