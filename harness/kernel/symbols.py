"""Where the functions of a kernel are, and their instructions.

Told by the kernel itself, once, and kept beside what was fetched. The machine boots with
``nokaslr``, so the addresses are the same at each boot.
"""

import bisect
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.kernel.boot import Machine, boot, identity
from harness.kernel.debian import cache
from harness.kernel.emulator import Hardware
from harness.kernel.errors import KernelUnavailableError

__all__ = ["Symbols", "read_symbols", "symbols_of"]

TEXT = frozenset("tTwW")
START, CODE = "_text", "_stext"
"""Where the image begins, and its code behind the head."""
HEAD = 0x10000
"""The head's size on arm64."""
INSTRUCTION = 4


@dataclass(frozen=True)
class Symbols:
    """The functions of a kernel: ``addresses`` by name, ``starts`` all of them in order.

    ``image`` is the kernel, which begins at the address of ``_text``. Of several functions of one
    name ``addresses`` has the first.
    """

    addresses: Mapping[str, int]
    starts: tuple[tuple[int, str], ...]
    image: Path

    def name(self, address: int) -> str:
        """Return ``function+0xOFFSET`` of an address, or the function's name where it begins."""
        at = bisect.bisect_right(self.starts, (address, "\U0010ffff")) - 1
        if at < 0:
            return f"{address:#x}"
        start, name = self.starts[at]
        return name if start == address else f"{name}+{address - start:#x}"

    def end(self, name: str) -> int:
        """Return where the function behind this one begins."""
        start = self.addresses[name]
        at = bisect.bisect_right(self.starts, (start, "\U0010ffff"))
        return self.starts[at][0] if at < len(self.starts) else start

    def instructions(self, name: str) -> Iterator[tuple[int, int]]:
        """Yield address and instruction (32 bits) for all of a function."""
        start = self.addresses[name]
        with self.image.open("rb") as file:
            file.seek(start - self.addresses[START])
            code = file.read(self.end(name) - start)
        for n, (word,) in enumerate(struct.iter_unpack("<I", code[: len(code) & ~3])):
            yield start + n * INSTRUCTION, word


def symbols_of(image: Path, hardware: Hardware) -> Symbols:
    """Return the functions of a kernel; it is booted if it was never asked.

    Raises:
        KernelUnavailableError: it cannot be booted here, or does not tell (no KALLSYMS).
        MachineFailedError: it does not boot.
    """
    kept = cache() / "symbols" / f"{identity(image)[:32]}.txt"
    if not kept.exists():
        with boot(image, hardware) as machine:
            text = kallsyms(machine)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(kept)
    return read_symbols(kept.read_text(encoding="utf-8"), image)


def kallsyms(machine: Machine) -> str:
    """Return the lines of /proc/kallsyms that are functions of the kernel itself."""
    lines = machine.get("/proc/kallsyms").decode().splitlines()
    return "\n".join(line for line in lines if line[17:18] in TEXT and "[" not in line)


def read_symbols(text: str, image: Path) -> Symbols:
    """Read lines of /proc/kallsyms.

    Raises:
        KernelUnavailableError: they hide their addresses, or there are none.
    """
    starts: list[tuple[int, str]] = []
    for line in text.splitlines():
        at, _, name = line.split()[:3]
        starts.append((int(at, 16), name))
    starts.sort()
    addresses: dict[str, int] = {}
    for start, name in starts:
        addresses.setdefault(name, start)
    if START not in addresses and addresses.get(CODE):
        addresses[START] = addresses[CODE] - HEAD  # before 6.2 it is not told
    if not addresses.get(START):
        raise KernelUnavailableError(
            "the kernel does not tell where its functions are: expected CONFIG_KALLSYMS=y"
        )
    return Symbols(addresses, tuple(starts), image)
