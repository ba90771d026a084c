"""Kernels and a static busybox for arm64, out of Debian's packages.

Nothing is installed: apt is given lists and folders of its own, and the file that is wanted is
taken out of the package. What was fetched stays in ``$XDG_CACHE_HOME/vgic-race/kernel``. The
versions are what the archive offers on the day of the fetch; ``REFRESH_ENV`` set asks it again.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from harness.kernel.errors import KernelUnavailableError

__all__ = [
    "REFRESH_ENV", "SERIES", "Kernel", "Offer", "busybox", "cache", "fetch_kernel", "kept",
    "kernel", "offered", "source",
]  # fmt: skip

REFRESH_ENV = "VGIC_RACE_REFRESH"

SERIES = ("6.1", "6.12", "7.2")
"""Debian 12's kernel, its backport, and today's; of a later one the first that is at least 7.2."""

_SUITES = ("bookworm", "bookworm-updates", "bookworm-backports", "sid")
_SECURITY = "bookworm-security"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PACKAGE = re.compile(
    r"^linux-(?:image-(?P<image>[\d.]+(?:-\d+)?)(?:\+deb\d+)?-arm64-unsigned"
    r"|binary-unsigned-(?P<binary>[\d.]+)(?:\+deb\d+)?-arm64)$"
)
_PATTERN = "^linux-(image|binary)-.*unsigned"
_FETCH_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of one series: the package that it is from, and its uncompressed image."""

    series: str
    package: str
    image: Path


@dataclass(frozen=True, slots=True)
class Offer:
    """A package with a kernel, of which Debian's archive has this version."""

    version: str
    package: str

    @property
    def series(self) -> str:
        """Its first two numbers, as "7.2"."""
        return ".".join(self.version.split(".")[:2])


def offered() -> list[Offer]:
    """Return the kernels that Debian's archive offers now, the newest of each series, in order.

    Raises:
        KernelUnavailableError: there is no apt, or the archive cannot be reached.
    """
    newest: dict[str, Offer] = {}
    for name in _apt().names(_PATTERN):
        match = _PACKAGE.match(name)
        if match is None:
            continue
        offer = Offer(match["image"] or match["binary"], name)
        known = newest.get(offer.series)
        if known is None or _version(known.version) < _version(offer.version):
            newest[offer.series] = offer
    return sorted(newest.values(), key=lambda offer: _version(offer.version))


def kept() -> list[Kernel]:
    """Return the kernels that were fetched before, the oldest version first."""
    images = cache().glob("*/*/Image")
    found = [Kernel(each.parent.parent.name, each.parent.name, each) for each in images]
    return sorted(found, key=lambda kernel: _version(kernel.package))


def fetch_kernel(offer: Offer) -> Kernel:
    """Return a kernel that the archive offers, fetched unless it was before.

    Raises:
        KernelUnavailableError: it cannot be fetched, or has no kernel in it.
    """
    image = cache() / offer.series / offer.package / "Image"
    if not image.exists():
        _apt().extract(offer.package, re.compile(r"/vmlinuz[^/]*$"), image)
    return Kernel(offer.series, offer.package, image)


def source(series: str) -> Path:
    """Give the source of a series ("7.2") as Debian packs it, a tarball.

    Raises:
        KernelUnavailableError: apt is missing, or does not offer it.
    """
    tarball = cache() / "source" / f"linux-source-{series}.tar.xz"
    if not tarball.exists() or REFRESH_ENV in os.environ:
        package = f"linux-source-{series}"
        if package not in _apt().names(f"^{re.escape(package)}$"):
            raise KernelUnavailableError(f"Debian's archive offers no {package}")
        _apt().extract(package, re.compile(rf"/{re.escape(package)}\.tar\.xz$"), tarball)
    return tarball


def kernel(series: str) -> Kernel:
    """Give the newest kernel of a series ("6.1"), from the cache or from Debian's archive.

    Raises:
        KernelUnavailableError: apt is missing, or does not offer it.
    """
    folder = cache() / series
    known = sorted(folder.glob("*/Image"))
    if known and REFRESH_ENV not in os.environ:
        return Kernel(series, known[-1].parent.name, known[-1])
    apt = _apt()
    package = _newest(apt.names(_PATTERN), series)
    image = folder / package / "Image"
    if not image.exists():
        apt.extract(package, re.compile(r"/vmlinuz[^/]*$"), image)
    return Kernel(series, package, image)


def busybox() -> Path:
    """Give busybox for arm64, statically linked.

    Raises:
        KernelUnavailableError: apt is missing, or does not offer it.
    """
    binary = cache() / "busybox"
    if not binary.exists():
        _apt().extract("busybox-static/bookworm", re.compile(r"/bin/busybox$"), binary)
    return binary


def cache() -> Path:
    """Return the folder of what was fetched and made, ``$XDG_CACHE_HOME/vgic-race/kernel``."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "vgic-race" / "kernel"


@functools.cache
def _apt() -> "_Apt":
    return _Apt(cache() / "apt")


def _newest(names: list[str], series: str) -> str:
    """The package of the highest version of a series; ``series`` of the last one is a minimum."""
    wanted = _version(series)
    last = series == SERIES[-1]
    fitting = []
    for name in names:
        match = _PACKAGE.match(name)
        if match is None:
            continue
        version = _version(match["image"] or match["binary"])
        if version[: len(wanted)] == wanted or (last and version > wanted):
            fitting.append((version, name))
    if not fitting:
        raise KernelUnavailableError(f"Debian's archive offers no kernel {series} for arm64")
    return max(fitting)[1]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


class _Apt:
    """An apt for arm64 with lists and a cache of its own, at the mirror that the system uses."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise KernelUnavailableError(
                "kernels are taken from Debian's packages: apt-get and dpkg-deb are needed"
            )
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        sources = folder / "sources.list"
        options = {
            "Dir::Etc::SourceList": str(sources),
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": str(folder / "lists"),
            "Dir::Cache": str(folder / "cache"),
            "APT::Architecture": "arm64",
            "APT::Architectures": "arm64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        self._options = [f"-o{name}={value}" for name, value in options.items()]
        self._folder = folder
        sources.write_text(_sources(), encoding="utf-8")
        self._run("apt-get", "update", "-qq")

    def _run(self, program: str, *arguments: str) -> str:
        command = [program, *self._options, *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                capture_output=True,
                text=True,
                timeout=_FETCH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess(command, 1, "", "no answer in time")
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise KernelUnavailableError(f"{program} {arguments[0]} failed: {reason}")
        return done.stdout

    def names(self, pattern: str) -> list[str]:
        """The names of the packages that fit."""
        lines = self._run("apt-cache", "search", "--names-only", pattern).splitlines()
        return [line.split(" ", 1)[0] for line in lines]

    def extract(self, package: str, member: re.Pattern[str], to: Path) -> None:
        """Fetch a package and take one file out of it."""
        for old in self._folder.glob("*.deb"):
            old.unlink()
        self._run("apt-get", "download", "-qq", package)
        archive = next(self._folder.glob("*.deb"))
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = to.with_suffix(".partial")
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE
        ) as unpacking:
            try:
                with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
                    found = next((m for m in tar if m.isfile() and member.search(m.name)), None)
                    source = None if found is None else tar.extractfile(found)
                    if source is None:
                        raise KernelUnavailableError(f"{archive.name} has no {member.pattern}")
                    with partial.open("wb") as target:
                        shutil.copyfileobj(source, target)
            finally:
                unpacking.kill()
        archive.unlink()
        partial.replace(to)


def _sources() -> str:
    """One line per suite, at the mirrors that the system's own lists name."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
        capture_output=True,
        text=True,
        check=False,
    )
    mirrors = {uri.rstrip("/").rsplit("/", 1)[-1]: uri for uri in reversed(listing.stdout.split())}
    if "debian" not in mirrors:
        raise KernelUnavailableError(
            "the system's apt knows no mirror of Debian's archive; kernels are taken from there"
        )
    lines = [f"{mirrors['debian']} {suite}" for suite in _SUITES]
    if "debian-security" in mirrors:
        lines.append(f"{mirrors['debian-security']} {_SECURITY}")
    return "".join(f"deb [signed-by={_KEYRING}] {line} main\n" for line in lines)


def main() -> int:
    """Fetch what a run needs; say what cannot be had, and give 3 then (for CI)."""
    try:
        busybox()
        for series in SERIES:
            print(f"{series}: {kernel(series).package}")
    except KernelUnavailableError as error:
        print(f"kernels: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
