"""A kernel's image: that it is one, which version it is, and its build id."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.kernel.debian import Kernel, Offer, cache, fetch_kernel, kept, offered
from harness.kernel.errors import KernelUnavailableError

__all__ = ["Image", "choose", "matches", "read_image", "wanted_of"]

MAGIC_AT, MAGIC = 56, b"ARM\x64"
GZIP, EFI_ZBOOT = b"\x1f\x8b", b"zimg"
BANNER = re.compile(rb"Linux version (\S{1,120}) ")
BUILD_ID = re.compile(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Image:
    """A kernel for arm64, uncompressed: its file, its version as it prints it, its build id."""

    path: Path
    version: str
    build_id: str


def read_image(path: Path) -> Image:
    """Read a kernel's image; one that is packed by gzip is unpacked into the cache.

    Raises:
        UsageError: it cannot be read, or is no image of a kernel for arm64.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"kernel {str(path)!r}: {error.strerror or error}") from None
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise UsageError(f"kernel {str(path)!r}: damaged: {error}") from None
        path = unpacked(data)
    if data[4:8] == EFI_ZBOOT:
        raise UsageError(
            f"kernel {str(path)!r}: a compressed EFI image; expected arch/arm64/boot/Image"
        )
    if data[MAGIC_AT : MAGIC_AT + len(MAGIC)] != MAGIC:
        raise UsageError(
            f"kernel {str(path)!r}: no kernel for arm64; expected arch/arm64/boot/Image"
        )
    # Those of the vDSOs, which are in it, come before its own.
    banner, build_ids = BANNER.search(data), BUILD_ID.findall(data)
    return Image(
        path,
        banner[1].decode(errors="replace") if banner else "unknown",
        build_ids[-1].hex() if build_ids else "",
    )


def unpacked(data: bytes) -> Path:
    """Put what was unpacked into the cache; return where it is."""
    import hashlib

    path = cache() / "unpacked" / hashlib.sha256(data).hexdigest()[:32]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(data)
        partial.replace(path)
    return path


VERSION = re.compile(r"\d+(\.\d+)*")


def matches(version: str, wanted: str) -> bool:
    """Tell whether a version begins with the numbers that are wanted, as 7.2.13 with 7.2."""
    found, numbers = (re.findall(r"\d+", text) for text in (version, wanted))
    return found[: len(numbers)] == numbers


def choose(wanted: str | None) -> Image:
    """Return the kernel that ``--kernel`` names: a file, or a version that is fetched if need be.

    None is the newest that was fetched; if there is none, the newest that Debian offers.

    Raises:
        UsageError: there is no such file, or it is no kernel.
        KernelUnavailableError: no kernel of this version can be had.
    """
    if wanted is not None and not VERSION.fullmatch(wanted):
        return read_image(Path(wanted))
    known = [kernel for kernel in kept() if wanted is None or is_of(kernel, wanted)]
    if known:
        return read_image(known[-1].image)
    offers = [each for each in offered() if wanted is None or matches(each.version, wanted)]
    if not offers:
        versions = ", ".join(each.version for each in offered())
        raise KernelUnavailableError(
            f"kernel {wanted}: Debian offers none; expected a file, or the beginning of {versions}"
        )
    return read_image(fetch_kernel(offers[-1]).image)


def is_of(kernel: Kernel, wanted: str) -> bool:
    """Tell whether a kernel that was fetched is of a version."""
    numbers = re.search(r"\d[\d.]*", kernel.package)
    return numbers is not None and matches(numbers[0], wanted)


def wanted_of(versions: tuple[str, ...]) -> list[Offer]:
    """Return what of Debian's offers is wanted: all, or the newest of each of these versions.

    Raises:
        UsageError: a word that is no version.
        KernelUnavailableError: there is no apt, or none of that version.
    """
    for version in versions:
        if not VERSION.fullmatch(version):
            raise UsageError(f"kernel {version!r}: expected the beginning of a version, as 7.2")
    offers = offered()
    if not versions:
        return offers
    found = []
    for version in versions:
        fitting = [each for each in offers if matches(each.version, version)]
        if not fitting:
            listed = ", ".join(each.version for each in offers)
            raise KernelUnavailableError(f"kernel {version}: Debian offers {listed}")
        found.append(fitting[-1])
    return found
