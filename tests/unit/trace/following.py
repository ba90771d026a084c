"""What the tests of ``trace follow`` share: traces, and following lines of them."""

import gzip
import os
from collections.abc import Iterable
from pathlib import Path

from harness.trace.follow.excuses import excuse
from harness.trace.follow.follower import Follower
from harness.trace.follow.kernels import Kernel
from harness.trace.follow.tally import Excuser
from harness.trace.line import Counts, records

__all__ = ["CLEAN", "DATA", "HEADER", "KERNEL", "SEEDED", "follow", "lines_of", "traces_of"]

PROJECT = Path(__file__).resolve().parents[3]
DATA = PROJECT / "tests" / "conformance" / "data"
KERNEL = Kernel((6, 1))
"""What the traces were recorded on."""
SEEDED = sorted(path for path in DATA.glob("*.gz") if path.name.startswith("seed"))
CLEAN = sorted(path for path in DATA.glob("*.gz") if not path.name.startswith("seed"))
HEADER = 12
"""Lines that ftrace prints before the first event."""


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a packed trace."""
    return gzip.decompress(path.read_bytes()).splitlines()


def follow(
    lines: Iterable[bytes],
    kernel: Kernel = KERNEL,
    *,
    over: Iterable[type] = (),
    excuser: Excuser = excuse,
    given: bool = True,
) -> Follower:
    """Follow lines of a trace."""
    follower = Follower(kernel, excuser, over, given=given)
    for record in records(lines, Counts()):
        follower.feed(record)
    return follower


def traces_of(kind: str) -> list[Path]:
    """Return the large traces of a kind (``clean``, ``fixtures``, ``seeded``), where they are."""
    root = Path(os.environ.get("VGIC_RACE_TRACES") or PROJECT.parent / "shared" / "traces")
    return sorted((root / kind).glob("*.txt.gz"))
